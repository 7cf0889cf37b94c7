"""The values of a definition that the params of an execution give: where templates stand for them.

Which fields may have one is said by the rules of these fields (``or_given``), and by nothing else:
their schemas are read once, and documents are looked through along what was found in them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline_engine.domain.action_params import is_templated
from pipeline_engine.domain.checks.fields import GIVEN, Schema
from pipeline_engine.domain.checks.structure import document_schema
from pipeline_engine.domain.definitions import JSON
from pipeline_engine.domain.issues import join

STEP = "StepDefinition"  #: what holds others of its kind


@dataclass(frozen=True, slots=True)
class GivenValue:
    """A template in the place of a number, a word, or true or false."""

    path: tuple[str | int, ...]
    template: str
    takes_text: bool  #: what it gives may be a text

    @property
    def pointer(self) -> str:
        """Where it stands."""
        return join("", *self.path)


@dataclass(slots=True)
class _Look:
    """Where such values may be below one place of a document."""

    here: bool = False
    takes_text: bool = False
    members: dict[str, _Look] = field(default_factory=dict)
    entries: _Look | None = None

    @property
    def is_useful(self) -> bool:
        return self.here or bool(self.members) or self.entries is not None


def given_values(document: JSON) -> tuple[GivenValue, ...]:
    """The values in *document*, whatever it is, that params are to give."""
    return tuple(_found(document, DOCUMENT, ()))


def _found(value: JSON, look: _Look, path: tuple[str | int, ...]) -> Iterator[GivenValue]:
    if isinstance(value, str):
        if look.here and is_templated(value):
            yield GivenValue(path, value, look.takes_text)
    elif isinstance(value, Mapping):
        for name, member in value.items():
            if name in look.members:
                yield from _found(member, look.members[name], (*path, name))
    elif isinstance(value, list) and look.entries is not None:
        for index, entry in enumerate(value):
            yield from _found(entry, look.entries, (*path, index))


def _look_of(schema: Schema, steps: _Look) -> _Look:
    if str(schema.get("$ref")).endswith(f"/{STEP}"):
        return steps
    look = _Look()
    for one in _alternatives(schema):
        look.here = look.here or one == GIVEN
        look.takes_text = look.takes_text or (one != GIVEN and "string" in _types(one))
        for name, inner in one.get("properties", {}).items():
            if (below := _look_of(inner, steps)).is_useful or below is steps:
                look.members[name] = below
        if "items" in one and (
            (below := _look_of(one["items"], steps)).is_useful or below is steps
        ):
            look.entries = below
    return look


def _alternatives(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield schema
    for one in schema.get("anyOf", ()):
        yield from _alternatives(one)


def _types(schema: Mapping[str, Any]) -> list[str]:
    given = schema.get("type", [])
    return given if isinstance(given, list) else [given]


def _look_of_document() -> _Look:
    schema: Mapping[str, Any] = document_schema()
    steps = _Look()
    steps.members = _look_of(schema["$defs"][STEP], steps).members
    return _look_of(schema, steps)


DOCUMENT = _look_of_document()
