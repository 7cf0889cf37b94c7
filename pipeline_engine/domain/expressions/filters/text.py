"""Filters that make a text from a text. The size of a result is known before it is made."""

from __future__ import annotations

from typing import Any

from pipeline_engine.domain.expressions.filters.operands import count, sequence, text
from pipeline_engine.domain.expressions.fuel import Fuel
from pipeline_engine.domain.expressions.limits import (
    ITEMS_PER_UNIT,
    MAX_TEXT_CHARACTERS,
    PRODUCTS_PER_UNIT,
)
from pipeline_engine.domain.expressions.predicates import contains, ends_with, starts_with
from pipeline_engine.domain.expressions.secrecy import Secret, encodes, passes_arguments_on
from pipeline_engine.domain.expressions.signatures import signed
from pipeline_engine.domain.expressions.values import as_one_text, as_text


def upper(fuel: Fuel, subject: Any) -> str:
    """In upper-case letters; some letters become up to three."""
    return _made(fuel, text(fuel, subject).upper())


def lower(fuel: Fuel, subject: Any) -> str:
    """In lower-case letters."""
    return _made(fuel, text(fuel, subject).lower())


def capitalize(fuel: Fuel, subject: Any) -> str:
    """The first letter upper case, the rest lower case."""
    return _made(fuel, text(fuel, subject).capitalize())


def title(fuel: Fuel, subject: Any) -> str:
    """Every word with a capital letter."""
    return _made(fuel, text(fuel, subject).title())


def trim(fuel: Fuel, subject: Any, chars: Any = None) -> str:
    """Without white space, or the given characters, at both ends; ``"007"`` stays a text."""
    source = text(fuel, subject)
    if chars is None:
        return source.strip()
    marks = _different(fuel, text(fuel, chars))
    fuel.spend(len(source) * len(marks) // PRODUCTS_PER_UNIT)  # each is looked for among them
    return source.strip(marks)


def replace(fuel: Fuel, subject: Any, old: Any, new: Any, count: Any = None) -> str:
    """With one text in place of another, everywhere or the first ``count`` times."""
    source, old_text, new_text = text(fuel, subject), text(fuel, old), text(fuel, new)
    fuel.spend_on_search(source, old_text)
    found = source.count(old_text)
    times = found if count is None else min(found, _times(count))
    fuel.spend_on_search(source, old_text)
    fuel.spend_on_text(len(source) + max(0, times * (len(new_text) - len(old_text))))
    fuel.spend(times // ITEMS_PER_UNIT)
    return source.replace(old_text, new_text, times)


def split(fuel: Fuel, subject: Any, sep: Any = None) -> list[str]:
    """The parts between the separators; without one, between white space."""
    separator = None if sep is None else text(fuel, sep) or None
    source = text(fuel, subject)
    fuel.spend_on_search(source, separator or " ")
    parts = source.split(separator, fuel.left * ITEMS_PER_UNIT)  # more could not be paid
    fuel.spend_on_items(len(parts))
    return parts


@passes_arguments_on
def join(fuel: Fuel, subject: Any, d: Any = "") -> Any:
    """All items as one text, with ``d`` between them."""
    items = sequence(fuel, subject)
    if isinstance(d, Secret) or Secret in map(type, items):
        return as_one_text([part for item in items for part in (d, item)][1:], fuel)
    separator = text(fuel, d)
    fuel.spend(len(items))
    texts = [as_text(item, fuel) for item in items]
    fuel.spend_on_text(sum(map(len, texts)) + len(separator) * len(texts))
    return separator.join(texts)


def truncate(fuel: Fuel, subject: Any, length: Any = 255, end: Any = "...") -> str:
    """Not longer than ``length`` characters, the end mark included."""
    source, mark = text(fuel, subject), text(fuel, end)
    size = count(length, at_most=MAX_TEXT_CHARACTERS)
    if len(source) <= size:
        return source
    return (source[: max(0, size - len(mark))] + mark)[:size]


@encodes
def string(fuel: Fuel, subject: Any) -> str:
    """Any value as it reads inside a text."""
    return _made(fuel, as_text(subject, fuel))


def _different(fuel: Fuel, characters: str) -> str:
    """Each of these characters once."""
    fuel.spend_on_items(len(characters))
    return "".join(dict.fromkeys(characters))


def _made(fuel: Fuel, result: str) -> str:
    fuel.spend_on_text(len(result))
    return result


def _times(value: Any) -> int:
    return count(value, at_most=MAX_TEXT_CHARACTERS)


TEXT_FILTERS = signed(
    {
        "capitalize": capitalize,
        "contains": contains,
        "endswith": ends_with,
        "join": join,
        "lower": lower,
        "replace": replace,
        "split": split,
        "startswith": starts_with,
        "string": string,
        "title": title,
        "trim": trim,
        "truncate": truncate,
        "upper": upper,
    }
)
