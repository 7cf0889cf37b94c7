"""The tests of the language: what may stand behind ``is`` and ``is not``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline_engine.domain.expressions import operators
from pipeline_engine.domain.expressions.errors import WrongOperand
from pipeline_engine.domain.expressions.fuel import Fuel
from pipeline_engine.domain.expressions.limits import CHARACTERS_PER_UNIT
from pipeline_engine.domain.expressions.operators import is_number, remainder
from pipeline_engine.domain.expressions.patterns import bought, finds, matches
from pipeline_engine.domain.expressions.secrecy import Secret, tells_nothing
from pipeline_engine.domain.expressions.signatures import signed
from pipeline_engine.domain.expressions.undefined import UNDEFINED
from pipeline_engine.domain.expressions.values import kind


@tells_nothing
def is_defined(_fuel: Fuel, subject: Any) -> bool:
    """Whether the look-up found anything, be it null."""
    return subject is not UNDEFINED


@tells_nothing
def is_undefined(_fuel: Fuel, subject: Any) -> bool:
    """Whether the look-up found nothing."""
    return subject is UNDEFINED


@tells_nothing
def is_none(_fuel: Fuel, subject: Any) -> bool:
    """Whether the value is null."""
    return subject is None


def is_true(_fuel: Fuel, subject: Any) -> bool:
    """Whether the value is the boolean true."""
    return subject is True


def is_false(_fuel: Fuel, subject: Any) -> bool:
    """Whether the value is the boolean false."""
    return subject is False


def is_boolean(_fuel: Fuel, subject: Any) -> bool:
    """Whether the value is true or false."""
    return isinstance(subject, bool)


def is_any_number(_fuel: Fuel, subject: Any) -> bool:
    """Whether the value is a number; a boolean is none here, unlike in Jinja."""
    return is_number(subject) and not isinstance(subject, bool)


def is_integer(_fuel: Fuel, subject: Any) -> bool:
    """Whether the value is an integer."""
    return isinstance(subject, int) and not isinstance(subject, bool)


def is_float(_fuel: Fuel, subject: Any) -> bool:
    """Whether the value is a number with a fraction."""
    return isinstance(subject, float)


@tells_nothing
def is_string(_fuel: Fuel, subject: Any) -> bool:
    """Whether the value is a text; a secret is one."""
    return isinstance(subject, str | Secret)


def is_mapping(_fuel: Fuel, subject: Any) -> bool:
    """Whether the value is an object."""
    return isinstance(subject, Mapping)


def is_sequence(_fuel: Fuel, subject: Any) -> bool:
    """Whether the value is a list, a text or an object, all of which have a length."""
    return isinstance(subject, list | tuple | str | Mapping)


def is_even(fuel: Fuel, subject: Any) -> bool:
    """Whether the number can be divided by two."""
    return is_divisible_by(fuel, subject, 2)


def is_odd(fuel: Fuel, subject: Any) -> bool:
    """Whether the number cannot be divided by two."""
    return bool(remainder(subject, 2, fuel) == 1)


def is_divisible_by(fuel: Fuel, subject: Any, num: Any) -> bool:
    """Whether the number can be divided by another."""
    return bool(remainder(subject, num, fuel) == 0)


def is_equal(fuel: Fuel, subject: Any, other: Any) -> bool:
    """Whether ``subject == other``."""
    return operators.equal(subject, other, fuel)


def is_not_equal(fuel: Fuel, subject: Any, other: Any) -> bool:
    """Whether ``subject != other``."""
    return operators.not_equal(subject, other, fuel)


def is_less(fuel: Fuel, subject: Any, other: Any) -> bool:
    """Whether ``subject < other``."""
    return bool(operators.less(subject, other, fuel))


def is_less_or_equal(fuel: Fuel, subject: Any, other: Any) -> bool:
    """Whether ``subject <= other``."""
    return bool(operators.less_or_equal(subject, other, fuel))


def is_greater(fuel: Fuel, subject: Any, other: Any) -> bool:
    """Whether ``subject > other``."""
    return bool(operators.greater(subject, other, fuel))


def is_greater_or_equal(fuel: Fuel, subject: Any, other: Any) -> bool:
    """Whether ``subject >= other``."""
    return bool(operators.greater_or_equal(subject, other, fuel))


def is_in(fuel: Fuel, subject: Any, seq: Any) -> bool:
    """Whether ``subject in seq``."""
    return operators.is_in(subject, seq, fuel)


def contains(fuel: Fuel, subject: Any, part: Any) -> bool:
    """Whether ``part in subject``."""
    return operators.is_in(part, subject, fuel)


def starts_with(fuel: Fuel, subject: Any, prefix: Any) -> bool:
    """Whether a text begins with another."""
    return _texts(fuel, subject, prefix) and subject.startswith(prefix)


def ends_with(fuel: Fuel, subject: Any, suffix: Any) -> bool:
    """Whether a text ends with another."""
    return _texts(fuel, subject, suffix) and subject.endswith(suffix)


def regex_match(fuel: Fuel, subject: Any, pattern: Any) -> bool:
    """Whether the whole text is what a regular expression says."""
    return _texts(fuel, subject, pattern) and matches(fuel, bought(fuel, pattern), subject)


def regex_search(fuel: Fuel, subject: Any, pattern: Any) -> bool:
    """Whether a part of the text is what a regular expression says."""
    return _texts(fuel, subject, pattern) and finds(fuel, bought(fuel, pattern), subject)


def is_lower(fuel: Fuel, subject: Any) -> bool:
    """Whether a text has lower-case letters only."""
    return _one_text(fuel, subject) and subject.islower()


def is_upper(fuel: Fuel, subject: Any) -> bool:
    """Whether a text has upper-case letters only."""
    return _one_text(fuel, subject) and subject.isupper()


def _one_text(fuel: Fuel, subject: Any) -> bool:
    if isinstance(subject, str):
        fuel.spend_on_text(len(subject))
    return _texts(fuel, subject, "")


def _texts(fuel: Fuel, subject: Any, other: Any) -> bool:
    if subject is UNDEFINED or other is UNDEFINED:
        return False
    if isinstance(subject, str) and isinstance(other, str):
        fuel.spend(len(other) // CHARACTERS_PER_UNIT)
        return True
    raise WrongOperand(f"This test needs text, not {kind(subject)} and {kind(other)}.")


PREDICATES = signed(
    {
        "boolean": is_boolean,
        "contains": contains,
        "defined": is_defined,
        "divisibleby": is_divisible_by,
        "endswith": ends_with,
        "eq": is_equal,
        "equalto": is_equal,
        "even": is_even,
        "false": is_false,
        "float": is_float,
        "ge": is_greater_or_equal,
        "greaterthan": is_greater,
        "gt": is_greater,
        "in": is_in,
        "integer": is_integer,
        "iterable": is_sequence,
        "le": is_less_or_equal,
        "lessthan": is_less,
        "lower": is_lower,
        "lt": is_less,
        "mapping": is_mapping,
        "ne": is_not_equal,
        "none": is_none,
        "number": is_any_number,
        "odd": is_odd,
        "regex_match": regex_match,
        "regex_search": regex_search,
        "sameas": is_equal,
        "sequence": is_sequence,
        "startswith": starts_with,
        "string": is_string,
        "true": is_true,
        "undefined": is_undefined,
        "upper": is_upper,
        "==": is_equal,
        "!=": is_not_equal,
        "<": is_less,
        "<=": is_less_or_equal,
        ">": is_greater,
        ">=": is_greater_or_equal,
    }
)
"""By name; the symbols can be named in ``selectattr("price", "<", 5)``."""

TEST_NAMES = frozenset(PREDICATES)
