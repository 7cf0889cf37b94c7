"""Regular expressions of users. RE2 runs them: no text takes longer than its size says.

Python's own ``re`` goes back and tries again: ``(a+)+$`` and thirty letters keep a worker busy
for minutes. RE2 walks through a text once, whatever the expression; what it cannot do that way
(look-around, references back) it refuses (docs/adr/0041).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, TypeAlias

import re2

from pipeline_engine.domain.expressions.errors import InvalidPattern
from pipeline_engine.domain.expressions.fuel import Fuel
from pipeline_engine.domain.expressions.limits import (
    MAX_PATTERN_BYTES,
    MAX_PATTERN_CHARACTERS,
    PROGRAM_PER_UNIT,
    STATES_PER_UNIT,
    UNITS_PER_PATTERN_CHARACTER,
)

Pattern: TypeAlias = Any  #: of RE2, which ships no types

_CACHED_PATTERNS = 64  # each holds up to MAX_PATTERN_BYTES
#: What a template makes of ``'\b'`` and ``'\1'``: it reads backslashes, too.
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f]")
CONTROLS_HINT = r"JSON and templates read backslashes, too: write \\\\ for one, such as '\\\\b'."
HINT = "RE2 reads it: there is no look-around, and no \\1 that refers back."


def compiled(text: str) -> Pattern:
    """The expression in *text*. Raises ``InvalidPattern`` with the words of RE2."""
    if len(text) > MAX_PATTERN_CHARACTERS:
        most = MAX_PATTERN_CHARACTERS
        raise InvalidPattern(f"A regular expression has at most {most} characters.")
    refuse_controls(text)
    return _compiled(text)


def refuse_controls(text: str) -> None:
    """Raise ``InvalidPattern`` for what nobody writes on purpose."""
    if _CONTROLS.search(text):
        raise InvalidPattern("There is a control character in it.", hint=CONTROLS_HINT)


@lru_cache(maxsize=_CACHED_PATTERNS)
def _compiled(text: str) -> Pattern:
    options = re2.Options()
    options.max_mem = MAX_PATTERN_BYTES
    options.log_errors = False
    try:
        return re2.compile(text, options)
    except re2.error as error:
        words = error.args[0].decode("utf-8", "replace")
        raise InvalidPattern(f"This is no regular expression: {words}.", hint=HINT) from None
    except UnicodeEncodeError:  # half a surrogate pair
        raise InvalidPattern("This is no regular expression: it is no UTF-8.") from None


def bought(fuel: Fuel, text: str) -> Pattern:
    """The expression in *text*, paid for when this budget first meets it."""
    if not fuel.meets_again(text):
        fuel.spend(1 + UNITS_PER_PATTERN_CHARACTER * min(len(text), MAX_PATTERN_CHARACTERS))
        fuel.spend(compiled(text).programsize // PROGRAM_PER_UNIT)
    return compiled(text)


def matches(fuel: Fuel, pattern: Pattern, text: str) -> bool:
    """Whether the whole of *text* is what the expression says."""
    pay_for_walk(fuel, pattern, text)
    try:
        return pattern.fullmatch(text) is not None
    except UnicodeEncodeError:  # no expression says anything of half a surrogate pair
        return False


def finds(fuel: Fuel, pattern: Pattern, text: str) -> bool:
    """Whether a part of *text* is."""
    pay_for_walk(fuel, pattern, text)
    try:
        return pattern.search(text) is not None
    except UnicodeEncodeError:
        return False


def pay_for_walk(fuel: Fuel, pattern: Pattern, text: str) -> int:
    """Pay for one walk through a text; returns what that may be worth, in units.

    Mostly a character takes some nanoseconds, but an expression can be made that has RE2 follow
    all of its states at once.
    """
    fuel.spend_on_text(len(text))
    most_bytes = len(text) * (1 if text.isascii() else 4)
    units: int = most_bytes * pattern.programsize // STATES_PER_UNIT
    fuel.spend(units)
    return units
