"""What a value breaks: one function for parameters and for the params of actions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from pipeline_engine.domain.expressions.errors import BudgetSpent, ValueTooLarge
from pipeline_engine.domain.expressions.fuel import Fuel
from pipeline_engine.domain.expressions.limits import CHARACTERS_PER_UNIT
from pipeline_engine.domain.expressions.patterns import bought, matches
from pipeline_engine.domain.validation.formats import LONGEST, Format, has_format
from pipeline_engine.domain.validation.rules import NestedRules, ValidationRules
from pipeline_engine.domain.validation.types import fits_type, is_array, is_number, is_object

Path: TypeAlias = tuple[str | int, ...]
IsOpen: TypeAlias = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that a value breaks; never the value."""

    code: str  #: stable
    rules: ValidationRules  #: the limit is one of these
    path: Path = ()  #: where it is, inside the value
    is_list: bool = False  #: what is too short or too long

    def below(self, *path: str | int) -> Broken:
        """The same inside of a larger value."""
        return replace(self, path=(*path, *self.path))


def broken(
    rules: ValidationRules, value: Any, fuel: Fuel, *, is_open: IsOpen = lambda _: False
) -> Iterator[Broken]:
    """Every way in which *value* breaks *rules*, each limit where the type is one that it limits.

    What *is_open* says of a value that is known only later: it is believed. The work is paid
    from *fuel*; a value for which it does not suffice breaks ``too_large_to_check``.
    """
    try:
        yield from _broken(rules, value, fuel, is_open)
    except BudgetSpent:
        yield Broken("too_large_to_check", rules)


def _broken(rules: ValidationRules, value: Any, fuel: Fuel, is_open: IsOpen) -> Iterator[Broken]:
    fuel.spend(1)
    if rules.enum is not None and not _is_choice(rules, value, fuel):
        yield Broken("not_an_option", rules)
    if is_number(value):
        yield from _of_number(rules, value)
    elif isinstance(value, str):
        yield from _of_length(rules, value)
        yield from _of_text(rules, value, fuel)
    elif is_array(value):
        yield from _of_length(rules, value)
        yield from _of_items(rules, value, fuel, is_open)
    elif is_object(value):
        yield from _of_members(rules, value, fuel, is_open)


def _is_choice(rules: ValidationRules, value: Any, fuel: Fuel) -> bool:
    fuel.spend_on_contents(value)
    return rules.accepts(value)


def _of_number(rules: ValidationRules, value: float) -> Iterator[Broken]:
    # Asked this way round, so that NaN is out of every range.
    if rules.min is not None and not value >= rules.min:
        yield Broken("too_small", rules)
    if rules.max is not None and not value <= rules.max:
        yield Broken("too_large", rules)


def _of_length(rules: ValidationRules, value: str | list[Any]) -> Iterator[Broken]:
    if rules.min_length is not None and len(value) < rules.min_length:
        yield Broken("too_short", rules, is_list=is_array(value))
    if rules.max_length is not None and len(value) > rules.max_length:
        yield Broken("too_long", rules, is_list=is_array(value))


def _of_text(rules: ValidationRules, value: str, fuel: Fuel) -> Iterator[Broken]:
    if rules.format is not None:
        fuel.spend(min(len(value), LONGEST) // CHARACTERS_PER_UNIT)
        if not has_format(value, Format(rules.format)):
            yield Broken("format_mismatch", rules)
    if rules.pattern is not None and not _matches(rules.pattern, value, fuel):
        yield Broken("pattern_mismatch", rules)


def _matches(pattern: str, value: str, fuel: Fuel) -> bool:
    try:
        return matches(fuel, bought(fuel, pattern), value)
    except ValueTooLarge:
        return False


def _of_items(
    rules: ValidationRules, value: list[Any], fuel: Fuel, is_open: IsOpen
) -> Iterator[Broken]:
    if rules.items is not None:
        for index, item in enumerate(value):
            yield from _nested(rules.items, item, index, fuel, is_open)


def _of_members(
    rules: ValidationRules, value: Mapping[str, Any], fuel: Fuel, is_open: IsOpen
) -> Iterator[Broken]:
    for name, inner in (rules.properties or {}).items():
        fuel.spend(1)
        member = value.get(name)
        if member is not None:
            yield from _nested(inner, member, name, fuel, is_open)
        elif inner.required:
            yield Broken("required", inner, (name,))


def _nested(
    rules: NestedRules, value: Any, place: str | int, fuel: Fuel, is_open: IsOpen
) -> Iterator[Broken]:
    if is_open(value):
        return
    fits, _ = fits_type(rules.type, value)
    if not fits:
        yield Broken("wrong_type", rules, (place,))
        return
    for one in _broken(rules, value, fuel, is_open):
        yield one.below(place)
