"""Filters on objects, on whatever has a length, and for what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline_engine.domain.expressions.errors import WrongOperand
from pipeline_engine.domain.expressions.filters.operands import mapping
from pipeline_engine.domain.expressions.fuel import Fuel
from pipeline_engine.domain.expressions.limits import ITEMS_PER_UNIT
from pipeline_engine.domain.expressions.secrecy import passes_on
from pipeline_engine.domain.expressions.signatures import signed
from pipeline_engine.domain.expressions.undefined import UNDEFINED
from pipeline_engine.domain.expressions.values import kind


@passes_on
def default(_fuel: Fuel, subject: Any, default_value: Any = "", boolean: Any = False) -> Any:
    """Another value in place of an undefined one; with ``true``, of every false one."""
    if subject is UNDEFINED or (boolean and not subject):
        return default_value
    return subject


def length(_fuel: Fuel, subject: Any) -> int:
    """How many items, members or characters there are; nothing has none."""
    if subject is None or subject is UNDEFINED:
        return 0
    if isinstance(subject, str | list | tuple | Mapping):
        return len(subject)
    raise WrongOperand(f"{kind(subject).capitalize()} has no length.")


def keys(fuel: Fuel, subject: Any) -> list[str]:
    """The keys of an object."""
    return list(mapping(fuel, subject))


def values(fuel: Fuel, subject: Any) -> list[Any]:
    """The values of an object."""
    return list(mapping(fuel, subject).values())


def items(fuel: Fuel, subject: Any) -> list[list[Any]]:
    """The members of an object as pairs of key and value."""
    members = mapping(fuel, subject)
    fuel.spend(len(members))
    return [[key, value] for key, value in members.items()]


def sorted_items(fuel: Fuel, subject: Any) -> list[list[Any]]:
    """The pairs of ``items``, ordered by key."""
    members = mapping(fuel, subject)
    fuel.spend(len(members) + len(members) * len(members).bit_length() // ITEMS_PER_UNIT)
    return [[key, members[key]] for key in sorted(members)]


def combine(fuel: Fuel, subject: Any, other: Any) -> dict[str, Any]:
    """The members of both objects; of two with one key the second object's stays."""
    return mapping(fuel, subject) | mapping(fuel, other)


OBJECT_FILTERS = signed(
    {
        "combine": combine,
        "count": length,
        "d": default,
        "default": default,
        "dictsort": sorted_items,
        "items": items,
        "keys": keys,
        "length": length,
        "values": values,
    }
)
