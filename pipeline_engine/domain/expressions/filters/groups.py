"""Filters that put values together in another way: numbers, pairs, groups, objects of lists."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product as every_combination
from math import prod
from typing import Any

from pipeline_engine.domain.expressions.errors import WrongOperand
from pipeline_engine.domain.expressions.filters.operands import mapping, sequence
from pipeline_engine.domain.expressions.filters.sequences import in_order, picked, same
from pipeline_engine.domain.expressions.fuel import Fuel
from pipeline_engine.domain.expressions.limits import ITEMS_PER_UNIT
from pipeline_engine.domain.expressions.signatures import signed
from pipeline_engine.domain.expressions.undefined import UNDEFINED
from pipeline_engine.domain.expressions.values import as_json, in_range, kind

_PAIRS = "Pairs such as those of `items` are needed; or name the key: dict('id')."


def numbers(fuel: Fuel, subject: Any, stop: Any = UNDEFINED, step: Any = 1) -> list[int]:
    """The whole numbers from 0 to one below the subject; with ``stop``, from the subject to there.

    Every ``step``-th one, downwards if it is negative.
    """
    bounds = (0, subject) if stop is UNDEFINED else (subject, stop)
    low, high, width = map(_whole, (*bounds, step))
    if width == 0:
        raise WrongOperand("The step of a range is not 0.")
    found = range(low, high, width)
    fuel.spend(_length(found))
    return [in_range(one) for one in found]


def _length(found: range) -> int:
    """How many numbers there are: ``len`` refuses more than 63 bits of them."""
    return max(
        0, (found.stop - found.start + found.step - (1 if found.step > 0 else -1)) // found.step
    )


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise WrongOperand(
            f"A range is made of whole numbers, not {kind(value)}.", hint="`| int` makes one."
        )
    return int(in_range(value))


def product(
    fuel: Fuel, subject: Any, other: Any, third: Any = UNDEFINED, fourth: Any = UNDEFINED
) -> list[list[Any]]:
    """Every combination of an item of each list; the last list turns fastest."""
    lists = _lists(fuel, subject, other, third, fourth)
    count = prod(map(len, lists))
    fuel.spend(count * (1 + len(lists) // ITEMS_PER_UNIT))
    return [list(row) for row in every_combination(*lists)]


def zipped(
    fuel: Fuel, subject: Any, other: Any, third: Any = UNDEFINED, fourth: Any = UNDEFINED
) -> list[list[Any]]:
    """The first items of each list, then the second ones, until the shortest list ends."""
    lists = _lists(fuel, subject, other, third, fourth)
    count = min(map(len, lists))
    fuel.spend(count * (1 + len(lists) // ITEMS_PER_UNIT))
    return [list(row) for row in zip(*lists, strict=False)]


def _lists(fuel: Fuel, *given: Any) -> Sequence[list[Any]]:
    subject, other, *more = given
    there = [subject, other, *(one for one in more if one is not UNDEFINED)]
    return [sequence(fuel, one) for one in there]


def group_by(fuel: Fuel, subject: Any, attribute: Any, default: Any = None) -> list[list[Any]]:
    """Pairs of a value of the attribute and the list of items that have it, ordered by the value.

    An item without the attribute has the ``default``.
    """
    items = sequence(fuel, subject)
    found = picked(fuel, items, attribute)
    values = [as_json(default if value is UNDEFINED else value, fuel) for value in found]
    if any(value is None for value in values):
        raise WrongOperand("Null is no group.", hint="Give a default: groupby('team', 'none').")
    groups: dict[Any, tuple[Any, list[Any]]] = {}
    for item, value in zip(items, values, strict=True):
        groups.setdefault(same(fuel, value), (value, []))[1].append(item)
    pairs = list(groups.values())
    fuel.spend(len(pairs))
    return [list(pairs[place]) for place in in_order(fuel, [value for value, _ in pairs])]


def map_values(fuel: Fuel, subject: Any, attribute: Any) -> dict[str, Any]:
    """An object with one attribute of every member; null where a member does not have it."""
    members = mapping(fuel, subject)
    values = picked(fuel, list(members.values()), attribute)
    fuel.spend(len(values))
    return {key: as_json(value, fuel) for key, value in zip(members, values, strict=True)}


def as_object(fuel: Fuel, subject: Any, key: Any = None, value: Any = None) -> dict[str, Any]:
    """An object of a list: of pairs of key and value, or of items by one of their attributes.

    With ``value`` another attribute takes the place of the item. Of two with one key the second
    stays; whole numbers become texts.
    """
    if key is None and isinstance(subject, dict):
        return mapping(fuel, subject)
    items = sequence(fuel, subject)
    fuel.spend(2 * len(items))
    if key is None:
        pairs = [_pair(item) for item in items]
    else:
        keys, values = picked(fuel, items, key), picked(fuel, items, value)
        pairs = list(zip(keys, values, strict=True))
    return {_key(name): as_json(member, fuel) for name, member in pairs}


def _pair(item: Any) -> tuple[Any, Any]:
    if not isinstance(item, list) or len(item) != 2:
        raise WrongOperand(f"An object cannot be made of {kind(item)}.", hint=_PAIRS)
    return item[0], item[1]


def _key(value: Any) -> str:
    if isinstance(value, str):
        return value
    if type(value) is int:
        return str(value)
    raise WrongOperand(f"The key of an object is a text, not {kind(value)}.")


GROUP_FILTERS = signed(
    {
        "dict": as_object,
        "groupby": group_by,
        "map_values": map_values,
        "product": product,
        "range": numbers,
        "zip": zipped,
    }
)
