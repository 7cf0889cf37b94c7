"""Filters on lists. None changes its subject, all make new lists."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from pipeline_engine.domain.expressions.errors import UnknownTest, WrongArguments, WrongOperand
from pipeline_engine.domain.expressions.filters.operands import count, number, sequence, text
from pipeline_engine.domain.expressions.fuel import Fuel
from pipeline_engine.domain.expressions.limits import (
    CHARACTERS_PER_UNIT,
    ITEMS_PER_UNIT,
    MAX_PATH_CHARACTERS,
    MAX_TEXT_CHARACTERS,
)
from pipeline_engine.domain.expressions.operators import equal, is_number
from pipeline_engine.domain.expressions.predicates import PREDICATES
from pipeline_engine.domain.expressions.signatures import signed
from pipeline_engine.domain.expressions.undefined import UNDEFINED
from pipeline_engine.domain.expressions.values import as_json, in_range, kind, look_up

_MAX_LEVELS = 8


def first(fuel: Fuel, subject: Any) -> Any:
    """The first item, or undefined."""
    return next(iter(sequence(fuel, subject)), UNDEFINED)


def last(fuel: Fuel, subject: Any) -> Any:
    """The last item, or undefined."""
    return look_up(sequence(fuel, subject), -1)


def as_list(fuel: Fuel, subject: Any) -> list[Any]:
    """The items of a list, the characters of a text or the keys of an object."""
    return list(sequence(fuel, subject))


def reverse(fuel: Fuel, subject: Any) -> Any:
    """A list or text from back to front."""
    if isinstance(subject, str):
        fuel.spend_on_text(len(subject))
        return subject[::-1]
    return sequence(fuel, subject)[::-1]


def total(fuel: Fuel, subject: Any, attribute: Any = None, start: Any = 0) -> Any:
    """The sum of the items, or of one attribute of each."""
    result = number(start)
    values = picked(fuel, subject, attribute)
    fuel.spend(len(values))
    for value in values:
        result = in_range(result + number(value))
    return result


def smallest(fuel: Fuel, subject: Any, attribute: Any = None) -> Any:
    """The item that is least, or undefined if there is none."""
    return _extreme(fuel, subject, attribute, min)


def largest(fuel: Fuel, subject: Any, attribute: Any = None) -> Any:
    """The item that is greatest, or undefined if there is none."""
    return _extreme(fuel, subject, attribute, max)


def _extreme(fuel: Fuel, subject: Any, attribute: Any, choose: Callable[..., int]) -> Any:
    items = sequence(fuel, subject)
    keys = _sort_keys(fuel, picked(fuel, items, attribute), ignore_case=True)
    return items[choose(range(len(keys)), key=keys.__getitem__)] if keys else UNDEFINED


def sort(
    fuel: Fuel,
    subject: Any,
    reverse: Any = False,
    case_sensitive: Any = False,
    attribute: Any = None,
) -> list[Any]:
    """In order; like Jinja's, it takes upper and lower case for the same unless told otherwise."""
    items = sequence(fuel, subject)
    values = picked(fuel, items, attribute)
    order = in_order(fuel, values, ignore_case=not case_sensitive, reverse=bool(reverse))
    return [items[index] for index in order]


def in_order(
    fuel: Fuel, values: list[Any], *, ignore_case: bool = False, reverse: bool = False
) -> list[int]:
    """The places of the values, in the order of these."""
    keys = _sort_keys(fuel, values, ignore_case=ignore_case)
    return sorted(range(len(values)), key=keys.__getitem__, reverse=reverse)


def _sort_keys(fuel: Fuel, values: list[Any], *, ignore_case: bool) -> list[Any]:
    """What to compare in place of the values, with the comparisons paid for."""
    rounds = len(values).bit_length()
    fuel.spend(len(values) + len(values) * rounds // ITEMS_PER_UNIT)
    if all(is_number(value) for value in values):
        return values
    if not all(isinstance(value, str) for value in values):
        met = " and ".join(sorted({kind(value) for value in values}))
        raise WrongOperand(f"Only numbers or texts have an order, not {met}.")
    fuel.spend(rounds * sum(map(len, values)) // CHARACTERS_PER_UNIT)
    return [value.lower() for value in values] if ignore_case else values


def unique(fuel: Fuel, subject: Any, attribute: Any = None) -> list[Any]:
    """Without repetitions; the first of equal items stays. A missing attribute counts as null."""
    items = sequence(fuel, subject)
    seen: dict[Any, Any] = {}
    for item, found in zip(items, picked(fuel, items, attribute), strict=True):
        seen.setdefault(same(fuel, as_json(found, fuel)), item)
    return list(seen.values())


def same(fuel: Fuel, value: Any) -> Any:
    """What is equal exactly if the JSON is, and can be looked up."""
    fuel.spend(3 + 2 * fuel.spend_on_contents(value))
    return value if isinstance(value, str) else (_written(value),)


def _written(value: Any) -> str:
    """A text that is equal exactly if the JSON is.

    Numbers can be chosen so that a thousand lists of them have one hash; texts cannot.
    """
    return json.dumps(_with_plain_numbers(value), ensure_ascii=False, sort_keys=True)


def _with_plain_numbers(value: Any) -> Any:
    """The value with one form for equal numbers: 1.0 and true are 1, as ``==`` has it."""
    if isinstance(value, int | float):
        return int(value) if value == value // 1 else value
    if isinstance(value, list):
        return [_with_plain_numbers(member) for member in value]
    if isinstance(value, dict):
        return {key: _with_plain_numbers(member) for key, member in value.items()}
    return value


def mapped(fuel: Fuel, subject: Any, attribute: Any) -> list[Any]:
    """One attribute of every item; null where an item does not have it."""
    values = picked(fuel, subject, attribute)
    fuel.spend(len(values))
    return [as_json(value, fuel) for value in values]


def select(fuel: Fuel, subject: Any, test: Any = None, value: Any = UNDEFINED) -> list[Any]:
    """The items that pass a named test, or that are true."""
    return _chosen(fuel, subject, None, _judge(fuel, test, value), wanted=True)


def reject(fuel: Fuel, subject: Any, test: Any = None, value: Any = UNDEFINED) -> list[Any]:
    """The items that ``select`` leaves out."""
    return _chosen(fuel, subject, None, _judge(fuel, test, value), wanted=False)


def select_by_attribute(
    fuel: Fuel, subject: Any, attribute: Any, value: Any = UNDEFINED, operand: Any = UNDEFINED
) -> list[Any]:
    """The items with an attribute that is true, equals a value, or passes a test with an operand.

    ``selectattr("ready")``, ``selectattr("state", "done")``, ``selectattr("price", "lt", 5)``.
    """
    judge = _attribute_judge(fuel, value, operand)
    return _chosen(fuel, subject, attribute, judge, wanted=True)


def reject_by_attribute(
    fuel: Fuel, subject: Any, attribute: Any, value: Any = UNDEFINED, operand: Any = UNDEFINED
) -> list[Any]:
    """The items that ``selectattr`` leaves out."""
    judge = _attribute_judge(fuel, value, operand)
    return _chosen(fuel, subject, attribute, judge, wanted=False)


def _attribute_judge(fuel: Fuel, value: Any, operand: Any) -> Callable[[Any], Any]:
    if value is UNDEFINED:
        return bool
    if operand is UNDEFINED:
        return lambda found: equal(found, value, fuel)
    return _judge(fuel, value, operand)


def _judge(fuel: Fuel, test: Any, operand: Any) -> Callable[[Any], Any]:
    if test is None:
        return bool
    predicate = PREDICATES.get(test) if isinstance(test, str) else None
    if predicate is None:
        raise UnknownTest("There is no test of this name.")
    arguments = () if operand is UNDEFINED else (operand,)
    if len(arguments) != len(predicate.parameters):
        raise WrongArguments(f"The test {test!r} takes other arguments.", hint=str(predicate))
    return lambda found: predicate.function(fuel, found, *arguments)


def _chosen(
    fuel: Fuel, subject: Any, attribute: Any, judge: Callable[[Any], Any], *, wanted: bool
) -> list[Any]:
    items = sequence(fuel, subject)
    values = picked(fuel, items, attribute)
    fuel.spend(len(values))
    return [item for item, value in zip(items, values, strict=True) if bool(judge(value)) is wanted]


def flatten(fuel: Fuel, subject: Any, levels: Any = 1) -> list[Any]:
    """The items of inner lists in place of the lists, one level deep or more."""
    items: list[Any] = sequence(fuel, subject)
    for _ in range(count(levels, at_least=1, at_most=_MAX_LEVELS)):
        items = list(_without_inner_lists(fuel, items))
    return items


def _without_inner_lists(fuel: Fuel, items: list[Any]) -> Iterable[Any]:
    for item in items:
        inner = item if isinstance(item, list) else [item]
        fuel.spend(1 + len(inner) // ITEMS_PER_UNIT)
        yield from inner


def batch(fuel: Fuel, subject: Any, size: Any) -> list[list[Any]]:
    """Lists of ``size`` items each; the last may be shorter."""
    items = sequence(fuel, subject)
    step = count(size, at_least=1, at_most=MAX_TEXT_CHARACTERS)
    fuel.spend(1 + len(items) // step)
    return [items[start : start + step] for start in range(0, len(items), step)]


def picked(fuel: Fuel, subject: Any, attribute: Any) -> list[Any]:
    """The items, or what stands at a dotted path inside each of them."""
    items = sequence(fuel, subject)
    if attribute is None:
        return items
    keys = _path(text(fuel, attribute))
    fuel.spend(len(items) * len(keys))
    return [_at(item, keys) for item in items]


def _path(attribute: str) -> list[Any]:
    if len(attribute) > MAX_PATH_CHARACTERS:
        raise WrongOperand(f"An attribute has at most {MAX_PATH_CHARACTERS} characters.")
    return [int(key) if key.isdecimal() else key for key in attribute.split(".")]


def _at(item: Any, keys: list[Any]) -> Any:
    if not (item is None or item is UNDEFINED or isinstance(item, dict | list)):
        raise WrongOperand(f"One cannot take an attribute of {kind(item)}.")
    for key in keys:
        item = look_up(item, key)
    return item


SEQUENCE_FILTERS = signed(
    {
        "batch": batch,
        "first": first,
        "flatten": flatten,
        "last": last,
        "list": as_list,
        "map": mapped,
        "max": largest,
        "min": smallest,
        "reject": reject,
        "rejectattr": reject_by_attribute,
        "reverse": reverse,
        "select": select,
        "selectattr": select_by_attribute,
        "sort": sort,
        "sum": total,
        "unique": unique,
    }
)
