"""The strings of a definition that hold templates and conditions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto

from pipeline_engine.domain.checks.nodes import Node
from pipeline_engine.domain.checks.notify import templates_in
from pipeline_engine.domain.definitions import JSON
from pipeline_engine.domain.issues import join

BRACES = ("{{", "{%")
CONDITION_KEY = "condition"
#: A param of an action that is a condition, too; deeper in params the word may be anything.
CONDITION_PARAM = "until"


class Kind(Enum):
    """How a text is read."""

    TEMPLATE = auto()
    CONDITION = auto()  #: an expression, with or without braces
    ITEMS = auto()  #: one template that gives a list
    VALUE = auto()  #: one template that gives a number, or true or false


@dataclass(frozen=True, slots=True)
class Text:
    """One string that may hold references."""

    pointer: str
    text: str
    kind: Kind = Kind.TEMPLATE
    takes_secrets: bool = True  #: what becomes a key or a name, for one, does not


def texts_in(value: JSON, pointer: str, *, conditions: bool = False) -> Iterator[Text]:
    """Every string below *value* that is not plain text, in the order of the document.

    With *conditions*, what stands under a key ``condition`` is one.
    """
    waiting: list[tuple[str, JSON, Kind]] = [(pointer, value, Kind.TEMPLATE)]
    while waiting:
        place, found, kind = waiting.pop()
        if not isinstance(found, str):
            below = [
                (join(place, key), inner, _kind(key) if conditions else Kind.TEMPLATE)
                for key, inner in _inside(found)
            ]
            waiting.extend(reversed(below))
        elif kind is Kind.CONDITION or any(brace in found for brace in BRACES):
            yield Text(place, found, kind)


def texts_of_param(name: str, value: JSON, pointer: str, *, conditions: bool) -> Iterator[Text]:
    """The same of one param; with *conditions* the param ``until`` is one as well."""
    if conditions and name == CONDITION_PARAM and isinstance(value, str) and value:
        return iter([Text(join(pointer, name), value, Kind.CONDITION)])
    return texts_in({name: value}, pointer, conditions=conditions)


def condition_and_items(node: Node) -> Iterator[Text]:
    """What decides whether a step runs, and for what."""
    condition = node.body.get("condition")
    if isinstance(condition, str):
        yield Text(f"{node.pointer}/condition", condition, Kind.CONDITION)
    given, pointer = node.body.get("for_each"), f"{node.pointer}/for_each"
    if isinstance(given, Mapping):
        given, pointer = given.get("items"), f"{pointer}/items"
    if isinstance(given, str):
        yield Text(pointer, given, Kind.ITEMS)
    else:
        yield from texts_in(given, pointer)


def notices_of(node: Node) -> Iterator[Text]:
    """What it has subscriptions told; that leaves the engine."""
    for pointer, given in templates_in(node.body.get("notify"), f"{node.pointer}/notify"):
        for text in texts_in(given, pointer):
            yield replace(text, takes_secrets=False)


def item_key_of(node: Node) -> Iterator[Text]:
    """What names its items."""
    given = node.body.get("for_each")
    if isinstance(given, Mapping):
        for text in texts_in(given.get("key"), f"{node.pointer}/for_each/key"):
            yield replace(text, takes_secrets=False)


def _inside(value: JSON) -> Iterable[tuple[str | int, JSON]]:
    if isinstance(value, Mapping):
        return value.items()
    return enumerate(value if isinstance(value, list) else ())


def _kind(key: str | int) -> Kind:
    return Kind.CONDITION if key == CONDITION_KEY else Kind.TEMPLATE
