"""Filters that yield a number or a boolean, and one that writes a number for people."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from pipeline_engine.domain.expressions.errors import WrongArguments
from pipeline_engine.domain.expressions.filters.operands import count, number, text
from pipeline_engine.domain.expressions.fuel import Fuel
from pipeline_engine.domain.expressions.limits import (
    CHARACTERS_PER_UNIT,
    MAX_INTEGER,
    MIN_INTEGER,
)
from pipeline_engine.domain.expressions.signatures import signed
from pipeline_engine.domain.expressions.truth import evaluate_truth
from pipeline_engine.domain.expressions.undefined import UNDEFINED
from pipeline_engine.domain.expressions.values import in_range

_TRUE_WORDS = frozenset({"true", "1", "yes", "on"})
_FALSE_WORDS = frozenset({"false", "0", "no", "off", "none", "null", ""})
_LONGEST_NUMBER = 400
_MAX_DECIMALS = 15
_ROUNDINGS: dict[str, Callable[[float], int]] = {
    "common": round,
    "ceil": math.ceil,
    "floor": math.floor,
}


def as_integer(_fuel: Fuel, subject: Any, default: Any = 0) -> Any:
    """The value as an integer, cut off after the point; ``default`` if it is not a number."""
    read = _read_number(subject)
    if read is None:
        return default
    integer = int(read)
    return integer if MIN_INTEGER <= integer <= MAX_INTEGER else default


def as_float(_fuel: Fuel, subject: Any, default: Any = 0.0) -> Any:
    """The value as a floating point number; ``default`` if it is not a number."""
    read = _read_number(subject)
    return default if read is None else float(read)


def _read_number(subject: Any) -> int | float | None:
    """The finite number that a value is or says."""
    if isinstance(subject, str):
        return _number_in(subject.strip()) if len(subject) <= _LONGEST_NUMBER else None
    if isinstance(subject, float):
        return subject if math.isfinite(subject) else None
    return subject if isinstance(subject, int) else None


def _number_in(written: str) -> int | float | None:
    try:
        read = float(written)
        # A whole number that no float can hold is infinite, and none that JSON can hold either.
        return _whole(written, read) if math.isfinite(read) else None
    except ValueError:
        return None


def _whole(written: str, read: float) -> int | float:
    try:
        return int(written)
    except ValueError:
        return read


def as_boolean(fuel: Fuel, subject: Any) -> bool:
    """True or false, also from words such as yes and off."""
    if isinstance(subject, str):
        fuel.spend(2 * len(subject) // CHARACTERS_PER_UNIT)
        word = subject.strip().lower()
        if word in _TRUE_WORDS or word in _FALSE_WORDS:
            return word in _TRUE_WORDS
    return evaluate_truth(subject)


def rounded(_fuel: Fuel, subject: Any, precision: Any = 0, method: Any = "common") -> Any:
    """Rounded to this many decimals; method is common, ceil or floor. A float, as in Jinja."""
    if subject is UNDEFINED:
        return UNDEFINED
    if not isinstance(method, str) or method not in _ROUNDINGS:
        raise WrongArguments(f"A rounding method is one of {', '.join(_ROUNDINGS)}.")
    digits = count(precision, at_least=-_MAX_DECIMALS, at_most=_MAX_DECIMALS)
    value = float(number(subject))
    if method == "common":
        return in_range(round(value, digits))
    scale: float = 10.0**digits
    return in_range(float(_ROUNDINGS[method](in_range(value * scale))) / scale)


def absolute(_fuel: Fuel, subject: Any) -> Any:
    """Without its sign."""
    return UNDEFINED if subject is UNDEFINED else in_range(abs(number(subject)))


def format_number(fuel: Fuel, subject: Any, decimals: Any = 0, thousands: Any = ",") -> Any:
    """Written for people: ``1234567.891 | format_number(2)`` is ``1,234,567.89``."""
    if subject is UNDEFINED:
        return UNDEFINED
    places, mark = count(decimals, at_most=_MAX_DECIMALS), text(fuel, thousands)
    written = f"{number(subject):,.{places}f}"
    fuel.spend_on_text(len(written) * max(1, len(mark)))
    return written.replace(",", mark)


ARITHMETIC_FILTERS = signed(
    {
        "abs": absolute,
        "bool": as_boolean,
        "float": as_float,
        "format_number": format_number,
        "int": as_integer,
        "round": rounded,
    }
)
