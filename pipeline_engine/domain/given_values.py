"""What the params of an execution give to its definition: numbers, words, and true or false.

A definition in which templates stand for them is an *open* one. They are known when an execution
is started; a copy of the document in which each has its value is all that is run, so a value that
was given is the same as one that was written.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

from pipeline_engine.domain.action_params import is_templated
from pipeline_engine.domain.checks.given_values import GivenValue, given_values
from pipeline_engine.domain.checks.limits import Limits
from pipeline_engine.domain.checks.report import Findings
from pipeline_engine.domain.checks.structure import document_shape
from pipeline_engine.domain.definitions import JSON
from pipeline_engine.domain.expressions import CompiledValue, ExpressionError, compile_value
from pipeline_engine.domain.issues import Issue, dotted, join

SHAPE = document_shape(named=True)
ANY_LENGTH = Limits()
MAKE_A_NUMBER = "A text is no number: declare the parameter as one, or pass it through `| int`."


@dataclass(frozen=True)
class Given:
    """What the params of one execution give, in the order of the templates."""

    values: tuple[JSON, ...]
    problems: tuple[Issue, ...] = ()  #: those that cannot be rendered

    @cached_property
    def key(self) -> str:
        """The same for all executions that are given the same."""
        return json.dumps(self.values, default=str)


@dataclass(frozen=True)
class OpenDefinition:
    """A document in which params give some of the values."""

    document: Mapping[str, JSON]
    places: tuple[GivenValue, ...]

    @classmethod
    def of(cls, document: Mapping[str, JSON]) -> OpenDefinition | None:
        """The document, if there are such values in it."""
        places = given_values(document)
        return cls(document, places) if places else None

    @cached_property
    def blank(self) -> Mapping[str, JSON]:
        """The document without them, for what has to be known before it is started."""
        return self.filled([None] * len(self.places))

    def filled(self, values: Sequence[JSON]) -> Mapping[str, JSON]:
        """The document with these values; null is the same as an absent field."""
        found: JSON = self.document
        for place, value in zip(self.places, values, strict=True):
            found = _with(found, place.path, value)
        return cast(Mapping[str, JSON], found)

    def given(self, params: Mapping[str, JSON]) -> Given:
        """What *params* give, whether it fits or not."""
        values: list[JSON] = []
        problems: list[Issue] = []
        for place, template in zip(self.places, self._templates, strict=True):
            try:
                value = template.render({"params": params})
                values.append(None if value == "" and self._lacks_one(place, params) else value)
            except ExpressionError as error:
                values.append(None)
                message = f"{dotted(place.pointer)}: {error}"
                problems.append(Issue(self._blamed(place), error.code, message, error.hint))
        return Given(tuple(values), tuple(problems))

    def misfits(self, given: Given, limits: Limits = ANY_LENGTH) -> list[Issue]:
        """What is wrong with what was given, by the rules for what is written."""
        findings = Findings(limits)
        SHAPE(self.filled(given.values), "", findings)
        for place, value in zip(self.places, given.values, strict=True):
            if is_templated(value):  # the rules would take it for one that is still to be rendered
                findings.field_error(place.pointer, "wrong_type", "Input should be no template")
        told = (self._told(issue, given) for issue in findings.report(0).errors)
        return [*given.problems, *told]

    def needs_any(self, names: Collection[str]) -> bool:
        """Whether one of these params gives a value."""
        return any(not known.isdisjoint(names) for known in self._names.values())

    def _lacks_one(self, place: GivenValue, params: Mapping[str, JSON]) -> bool:
        """Whether one of the params has no value: what is undefined renders as an empty text."""
        return any(params.get(name) is None for name in self._names[place.pointer])

    def _told(self, issue: Issue, given: Given) -> Issue:
        """An issue of the document as one of the params; its message names the field."""
        pairs = zip(self.places, given.values, strict=True)
        found = next(((p, v) for p, v in pairs if p.pointer == issue.pointer), None)
        if found is None:
            return replace(issue, pointer="/params")
        place, value = found
        is_text = isinstance(value, str) and not place.takes_text
        hint = MAKE_A_NUMBER if is_text else issue.hint
        return replace(issue, pointer=self._blamed(place), hint=hint)

    def _blamed(self, place: GivenValue) -> str:
        names = self._names[place.pointer]
        return join("/params", *names) if len(names) == 1 else "/params"

    @cached_property
    def _names(self) -> Mapping[str, frozenset[str]]:
        """The params that give each value, by the pointer of its place."""
        return {
            place.pointer: frozenset(str(one.path[0]) for _, one in template.references if one.path)
            for place, template in zip(self.places, self._templates, strict=True)
        }

    @cached_property
    def _templates(self) -> Sequence[CompiledValue]:
        return [compile_value(place.template) for place in self.places]


def document_for(document: Mapping[str, JSON], params: Mapping[str, JSON]) -> Mapping[str, JSON]:
    """The document that an execution with these *params* runs."""
    found = OpenDefinition.of(document)
    if found is None:
        return document
    given = found.given(params)
    # They were looked at when it was started: nothing is given by params that cannot be read now.
    return found.blank if found.misfits(given) else found.filled(given.values)


def _with(value: JSON, path: tuple[str | int, ...], new: JSON) -> JSON:
    """A copy of *value* with something else at one place, which shares all else with it."""
    if not path:
        return new
    copy: Any = dict(value) if isinstance(value, Mapping) else list(value)
    copy[path[0]] = _with(copy[path[0]], path[1:], new)
    return copy
