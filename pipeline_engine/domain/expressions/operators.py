"""Arithmetic, comparison and membership, on JSON values only."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from pipeline_engine.domain.expressions.errors import (
    DivisionByZero,
    NumberOutOfRange,
    SecretMisused,
    WrongOperand,
)
from pipeline_engine.domain.expressions.fuel import Fuel
from pipeline_engine.domain.expressions.limits import CHARACTERS_PER_UNIT
from pipeline_engine.domain.expressions.secrecy import Secret
from pipeline_engine.domain.expressions.undefined import UNDEFINED
from pipeline_engine.domain.expressions.values import as_json, as_one_text, in_range, kind

BinaryOperator: TypeAlias = Callable[[Any, Any, Fuel], Any]


def is_number(value: Any) -> bool:
    """Whether arithmetic can use this; as in Jinja, true counts as one."""
    return isinstance(value, int | float)


def calculate(operation: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    """Apply an operation to two numbers; undefined stays undefined, so a condition is false."""
    if left is UNDEFINED or right is UNDEFINED:
        return UNDEFINED
    if not (is_number(left) and is_number(right)):
        raise WrongOperand(f"Arithmetic needs two numbers, not {kind(left)} and {kind(right)}.")
    try:
        return in_range(operation(in_range(left), in_range(right)))
    except ZeroDivisionError:
        raise DivisionByZero from None
    except OverflowError:
        raise NumberOutOfRange from None


def add(left: Any, right: Any, fuel: Fuel) -> Any:
    """Add two numbers, or join two texts or two lists."""
    if isinstance(left, str) and isinstance(right, str):
        fuel.spend_on_text(len(left) + len(right))
        return left + right
    if isinstance(left, list) and isinstance(right, list):
        fuel.spend_on_items(len(left) + len(right))
        return left + right
    if isinstance(left, str | Secret) and isinstance(right, str | Secret):
        return as_one_text([left, right], fuel)
    if isinstance(left, str) or isinstance(right, str):
        if left is UNDEFINED or right is UNDEFINED:
            return UNDEFINED
        raise WrongOperand(
            f"+ cannot join {kind(left)} and {kind(right)}.", hint="~ joins anything as text."
        )
    return calculate(operator.add, left, right)


def _arithmetic(operation: Callable[[Any, Any], Any]) -> BinaryOperator:
    def apply(left: Any, right: Any, fuel: Fuel) -> Any:  # noqa: ARG001 - one shape for all
        return calculate(operation, left, right)

    return apply


def equal(left: Any, right: Any, fuel: Fuel) -> bool:
    """Whether two values are the same JSON; undefined equals undefined only."""
    if isinstance(left, Secret) or isinstance(right, Secret):
        raise SecretMisused("A secret cannot be compared.")
    if isinstance(left, str | int | float) or left is None or left is UNDEFINED:
        if isinstance(left, str) and isinstance(right, str) and len(left) == len(right):
            fuel.spend(len(left) // CHARACTERS_PER_UNIT)
        return bool(left == right)
    if isinstance(right, str | int | float) or right is None or right is UNDEFINED:
        return False
    left, right = as_json(left, fuel), as_json(right, fuel)
    fuel.spend_on_contents(left)
    fuel.spend_on_contents(right)
    return bool(left == right)


def not_equal(left: Any, right: Any, fuel: Fuel) -> bool:
    """Whether two values differ."""
    return not equal(left, right, fuel)


def _ordering(operation: Callable[[Any, Any], Any]) -> BinaryOperator:
    def apply(left: Any, right: Any, fuel: Fuel) -> bool:
        if left is UNDEFINED or right is UNDEFINED:
            return False
        if isinstance(left, str) and isinstance(right, str):
            fuel.spend(min(len(left), len(right)) // CHARACTERS_PER_UNIT)
        elif not (is_number(left) and is_number(right)):
            raise WrongOperand(f"There is no order between {kind(left)} and {kind(right)}.")
        return bool(operation(left, right))

    return apply


less = _ordering(operator.lt)
less_or_equal = _ordering(operator.le)
greater = _ordering(operator.gt)
greater_or_equal = _ordering(operator.ge)


def is_in(needle: Any, haystack: Any, fuel: Fuel) -> bool:
    """Whether a text holds another, a list a value, or an object a key; undefined is nowhere."""
    if needle is UNDEFINED or haystack is UNDEFINED:
        return False
    if isinstance(needle, Secret):
        raise SecretMisused("One cannot look for a secret.")
    if isinstance(haystack, str) and isinstance(needle, str):
        fuel.spend_on_search(haystack, needle)
        return needle in haystack
    if isinstance(haystack, list | tuple):
        return _is_among(needle, haystack, fuel)
    if isinstance(haystack, Mapping):
        return isinstance(needle, str) and needle in haystack
    raise WrongOperand(f"One cannot look for {kind(needle)} in {kind(haystack)}.")


def _is_among(needle: Any, items: list[Any] | tuple[Any, ...], fuel: Fuel) -> bool:
    for item in items:
        fuel.spend(1)
        if equal(needle, item, fuel):
            return True
    return False


def is_not_in(needle: Any, haystack: Any, fuel: Fuel) -> bool:
    """Whether ``is_in`` does not hold."""
    return not is_in(needle, haystack, fuel)


COMPARISONS: dict[str, BinaryOperator] = {
    "eq": equal,
    "ne": not_equal,
    "lt": less,
    "lteq": less_or_equal,
    "gt": greater,
    "gteq": greater_or_equal,
    "in": is_in,
    "notin": is_not_in,
}
subtract = _arithmetic(operator.sub)
multiply = _arithmetic(operator.mul)
divide = _arithmetic(operator.truediv)
divide_to_integer = _arithmetic(operator.floordiv)
remainder = _arithmetic(operator.mod)
