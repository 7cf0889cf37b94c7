"""Every operation of the language on hostile values: how much time and memory one unit buys.

Run it as a program for all of them: ``python tests/unit/expressions/prices.py``.
"""

from __future__ import annotations

import itertools
import random
import sys
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pipeline_engine.domain.expressions import ExpressionError, parse_template
from pipeline_engine.domain.expressions.filters import FILTERS
from pipeline_engine.domain.expressions.fuel import Fuel
from pipeline_engine.domain.expressions.predicates import PREDICATES

MANY = 40_000
LONG = 400_000


def colliding_lists() -> list[list[float]]:
    """Lists of numbers that all have one hash: Python's is a remainder of 2**61 - 1."""
    same = [2.0 ** (61 * exponent) for exponent in range(-16, 17)]
    return [list(four) for four in itertools.islice(itertools.product(same, repeat=4), 20_000)]


PARAMS: dict[str, Any] = {
    "ascii": "ab" * (LONG // 2),
    "astral": "\U0001f600" * (LONG // 4),
    "escaped": "\U000e0001\x01" * (LONG // 8),
    "sharp": "ŉß" * (LONG // 4),  # longer in upper case
    "spaces": " a" * (LONG // 2),
    "blank": " " * LONG,
    "alphabet": "".join(map(chr, range(0x4E00, 0x9FFF))),
    "almost": "a" * 99 + "b",
    "period": ("a" * 98 + "c") * (LONG // 99),
    "medium": "ab" * 1000,
    "digits": "1" * 399,
    "percent": "%41" * (LONG // 3),
    "json_objects": "[" + ",".join(['{"":{}}'] * (LONG // 8)) + "]",
    "json_numbers": "[" + ",".join(["1"] * (LONG // 2)) + "]",
    "base64": "QUJD" * (LONG // 4),
    "integers": list(range(MANY)),
    "floats": [1 / (n + 3) for n in range(MANY)],
    "mixed": [n if n % 2 else n / 7 for n in range(MANY)],
    "texts": ["x" * 90 + str(n) for n in range(MANY // 10)],
    "same_texts": ["x" * 1000 for _ in range(MANY // 40)],
    "rows": [{"id": n, "name": "n" * 40, "a": {"b": n}} for n in range(MANY // 10)],
    "lists": [[n, [n]] for n in range(MANY // 4)],
    "collisions": colliding_lists(),
    "empty_lists": [[] for _ in range(MANY)],
    "object": {f"k{n}": n for n in range(MANY)},
    "texts_by_key": {f"k{n}": "ä" * 30 for n in range(MANY // 20)},
    "number": 1e308,
    "small": 7,
    "nothing": None,
}
NAMES = [f"params.{name}" for name in PARAMS]
WORDS = ["'id'", "'a.b'", "'" + "a." * 200 + "a'", "'name'", "'in'", "'eq'", "'lt'", "'contains'"]
SMALL = ["1", "0", "8", "true", "''", "'a'", "1000000"]
OPERATORS = ["+", "-", "*", "/", "//", "%", "~", "==", "!=", "<", ">=", "in", "not in"]


def expressions(chance: random.Random) -> Iterator[str]:
    """Applications of every filter, test and operator, for ever, in a random order."""
    while True:
        subject = chance.choice(NAMES)
        kind = chance.randrange(4)
        if kind == 0:
            yield f"{subject} {chance.choice(OPERATORS)} {chance.choice(NAMES)}"
            continue
        functions = PREDICATES if kind == 1 else FILTERS
        name = chance.choice([one for one in functions if one.isidentifier()])
        arguments = _arguments(chance, len(functions[name].parameters))
        yield f"{subject} {'is' if kind == 1 else '|'} {name}{arguments}"


def _arguments(chance: random.Random, most: int) -> str:
    count = chance.randint(0, most)
    found = [chance.choice(chance.choice([NAMES, WORDS, SMALL])) for _ in range(count)]
    return f"({', '.join(found)})" if found else ""


def all_expressions() -> Iterator[str]:
    """The same without chance; of three arguments and more only small ones."""
    for left, operator, right in itertools.product(NAMES, OPERATORS, NAMES):
        yield f"{left} {operator} {right}"
    for functions, mark in ((PREDICATES, "is"), (FILTERS, "|")):
        for name in filter(str.isidentifier, functions):
            most = len(functions[name].parameters)
            for subject in NAMES:
                yield f"{subject} {mark} {name}"
                for argument in [*NAMES, *WORDS, *SMALL] if most else []:
                    yield f"{subject} {mark} {name}({argument})"
            for subject in NAMES if most > 1 else []:
                for pair in itertools.product([*WORDS[:4], *SMALL[:4], "params.ascii"], repeat=2):
                    yield f"{subject} {mark} {name}({', '.join(pair)})"


@dataclass(frozen=True)
class Bill:
    """What one evaluation paid, and what it got for it."""

    expression: str
    units: int
    seconds: float = 0.0  #: of this thread's own CPU time
    peak: int = 0  #: bytes

    def seconds_per_unit(self) -> float:
        """With a thousand units for what every evaluation costs."""
        return self.seconds / (self.units + 1000)

    def bytes_per_unit(self) -> float:
        """With some units for what every evaluation needs."""
        return self.peak / (self.units + 4000)


def timed(expression: str, budget: int, *, repeat: int = 3) -> Bill:
    """The bill of an evaluation, with the least time of several."""
    bills = [_evaluated(expression, budget) for _ in range(repeat)]
    return min(bills, key=lambda bill: bill.seconds)


def weighed(expression: str, budget: int) -> Bill:
    """The bill of an evaluation with the memory that it had at most."""
    tracemalloc.start()
    try:
        bill = _evaluated(expression, budget)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return Bill(bill.expression, bill.units, peak=peak)


def _evaluated(expression: str, budget: int) -> Bill:
    fuel = Fuel(budget)
    try:
        template = parse_template(f"{{{{ {expression} }}}}")
    except ExpressionError:
        return Bill(expression, 0)
    began = time.thread_time()
    with suppress(ExpressionError):
        template.render({"params": PARAMS}, fuel=fuel)
    # What was asked for in vain counts: it was refused because it could not be paid.
    units = min(budget - fuel.left, budget)
    return Bill(expression, units, seconds=time.thread_time() - began)


def main(budget: int = 200_000) -> None:
    """Say which are the dearest of all, by time and by memory."""
    found = list(all_expressions())
    bills = [timed(one, budget, repeat=1) for one in found]
    suspects = sorted(bills, key=Bill.seconds_per_unit, reverse=True)[:60]
    again = [timed(bill.expression, budget) for bill in suspects]
    for bill in sorted(again, key=Bill.seconds_per_unit, reverse=True)[:25]:
        sys.stdout.write(f"{1e6 * bill.seconds_per_unit():8.2f} µs/unit {bill}\n")
    heavy = [weighed(one, budget) for one in random.Random(1).sample(found, 4000)]
    for bill in sorted(heavy, key=Bill.bytes_per_unit, reverse=True)[:25]:
        sys.stdout.write(f"{bill.bytes_per_unit():8.0f} bytes/unit {bill}\n")


if __name__ == "__main__":
    main()
