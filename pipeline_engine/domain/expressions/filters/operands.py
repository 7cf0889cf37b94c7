"""What filters accept: how a subject or argument is read, or refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline_engine.domain.expressions.errors import WrongOperand
from pipeline_engine.domain.expressions.fuel import Fuel
from pipeline_engine.domain.expressions.undefined import UNDEFINED
from pipeline_engine.domain.expressions.values import as_json, as_text, in_range, kind


def text(fuel: Fuel, value: Any) -> str:
    """A text, paid for; numbers are written out, null and undefined are empty."""
    if value is None or value is UNDEFINED:
        return ""
    if not isinstance(value, str | int | float):
        raise WrongOperand(f"A text is needed, not {kind(value)}.")
    written = as_text(value, fuel)
    fuel.spend_on_text(len(written))
    return written


def sequence(fuel: Fuel, value: Any) -> list[Any]:
    """The items of a list, keys of an object or characters of a text; never changed by a filter."""
    if value is None or value is UNDEFINED:
        return []
    if isinstance(value, str):
        fuel.spend(len(value))  # each becomes a text of its own
        return list(value)
    items = as_json(value, fuel)
    if not isinstance(items, list | dict):
        raise WrongOperand(f"A list is needed, not {kind(value)}.")
    fuel.spend_on_items(len(items))
    return items if isinstance(items, list) else list(items)


def mapping(fuel: Fuel, value: Any) -> dict[str, Any]:
    """The members of an object; null and undefined have none."""
    if value is None or value is UNDEFINED:
        return {}
    if not isinstance(value, Mapping):
        raise WrongOperand(f"An object is needed, not {kind(value)}.")
    members: dict[str, Any] = as_json(value, fuel)
    fuel.spend_on_items(2 * len(members))
    return members


def number(value: Any) -> Any:
    """A number within the range of JSON readers."""
    if isinstance(value, int | float):
        return in_range(value)
    raise WrongOperand(f"A number is needed, not {kind(value)}.")


def count(value: Any, *, at_most: int, at_least: int = 0) -> int:
    """A small integer, such as a number of decimals."""
    if type(value) is int and at_least <= value <= at_most:
        return value
    raise WrongOperand(f"An integer from {at_least} to {at_most} is needed.")
