"""One unit of fuel buys a bounded amount of time and of memory, whatever it is spent on."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest
from unit.expressions.prices import PARAMS, Bill, expressions, timed, weighed

from pipeline_engine.domain.expressions import Fuel, parse_condition, parse_template
from pipeline_engine.domain.expressions.limits import CHARACTERS_PER_UNIT

SECONDS = 6.0  # for each search; ``prices.py`` as a program tries everything
BUDGET = 50_000
MOST_SECONDS_PER_UNIT = 3e-6  # on a slow machine; half a microsecond is usual
MOST_BYTES_PER_UNIT = 512


def dearest(measure, key, seed):
    """The worst of the applications that can be tried in the time."""
    chance, until = random.Random(seed), time.monotonic() + SECONDS
    worst = Bill("", 0)
    found = expressions(chance)
    while time.monotonic() < until:
        worst = max(worst, measure(next(found), BUDGET), key=key)
    return worst


def test_no_operation_takes_more_time_than_it_pays_for():
    bill = dearest(timed, Bill.seconds_per_unit, seed=1)

    assert bill.seconds_per_unit() < MOST_SECONDS_PER_UNIT, bill


def test_no_operation_takes_more_memory_than_it_pays_for():
    bill = dearest(weighed, Bill.bytes_per_unit, seed=2)

    assert bill.bytes_per_unit() < MOST_BYTES_PER_UNIT, bill


@pytest.mark.parametrize(
    "expression",
    [
        "params.blank | trim(params.alphabet)",
        "params.spaces | trim(params.spaces)",
        "params.period | replace(params.almost, '')",
        "params.almost in params.period",
        "params.period | split(params.almost)",
        "params.collisions | unique | length",
        "params.rows | map('a.b' ~ '.b' * 0)",
        "params.rows | map(params.medium)",
        "params.json_objects | fromjson",
        "params.astral | urlencode",
        "params.escaped | string ~ [params.escaped]",
        "params.object | items | sort(attribute='0')",
        "params.blank | bool",
        "params.same_texts | sort | unique | join(params.ascii)",
    ],
)
def test_what_is_worse_than_linear_pays_for_all_of_it(expression):
    bill = timed(expression, 10 * BUDGET)

    assert bill.seconds_per_unit() < MOST_SECONDS_PER_UNIT, bill


def test_lists_whose_hashes_are_chosen_to_be_equal_cost_no_more_than_others():
    lists = list(PARAMS["collisions"])
    assert len({hash(tuple(row)) for row in lists}) == 1, "they are no test any more"

    others = [[n + 0.5, 2.0, 3.0, 4.0] for n in range(len(lists))]
    template = parse_template("{{ params | unique | length }}")

    def seconds(params: list[Any]) -> float:
        began = time.thread_time()
        assert template.render({"params": params}, fuel=Fuel(2_000_000)) == len(lists)
        return time.thread_time() - began

    # The best of some in turns: a machine that is held up for a moment says nothing about either.
    spent = [(seconds(lists), seconds(others)) for _ in range(3)]
    chosen, usual = (min(times) for times in zip(*spent, strict=True))
    assert chosen < 5 * usual


def test_a_text_that_is_judged_is_paid_for_each_time():
    condition, fuel = parse_condition("params.blank"), Fuel(100_000)

    assert condition.evaluate({"params": PARAMS}, fuel) is False
    assert fuel.left < 100_000 - len(PARAMS["blank"]) // CHARACTERS_PER_UNIT
