"""Rules for single values, from which ``structure.py`` builds the shape of a document.

A rule notes what is wrong with a value and never raises. The messages are those that clients of
the reference service know. Each rule also says in JSON Schema what it lets through, so that the
API documents what is checked and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias, cast

from pipeline_engine.domain.action_params import is_templated
from pipeline_engine.domain.checks.report import Findings, shown
from pipeline_engine.domain.definitions import JSON
from pipeline_engine.domain.issues import dotted, join
from pipeline_engine.domain.validation.types import is_number, is_whole

Check: TypeAlias = Callable[[JSON, str, Findings], None]
Schema: TypeAlias = Mapping[str, JSON]  #: JSON Schema, draft 2020-12
STRING, OBJECT = {"type": "string"}, {"type": "object"}
TEMPLATE: dict[str, JSON] = STRING | {"pattern": "[{]{2}"}
#: What marks the fields that params may give a value; ``given_values.py`` looks for it.
GIVEN: Schema = TEMPLATE | {"description": "A template over params, known at the start."}


@dataclass(frozen=True, slots=True)
class Rule:
    """What a value has to be: a check for the document at hand, a schema for its author."""

    check: Check
    schema: Schema

    def __call__(self, value: JSON, pointer: str, findings: Findings) -> None:
        """Note in *findings* what is wrong with the *value* at *pointer*."""
        self.check(value, pointer, findings)


def lets_through(schema: Schema) -> Callable[[Check], Rule]:
    """Make a rule of a check, with the schema of what passes it."""
    return lambda check: Rule(check, schema)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an object; ``null`` is the same as an absent one."""

    rule: Rule
    required: bool = False


@lets_through({})
def anything(_value: JSON, _pointer: str, _findings: Findings) -> None:
    """Every value is right."""


@lets_through({"type": "boolean"})
def boolean(value: JSON, pointer: str, findings: Findings) -> None:
    """True or false, no words."""
    if not isinstance(value, bool):
        findings.field_error(pointer, "wrong_type", "Input should be a valid boolean")


@lets_through(OBJECT)
def mapping(value: JSON, pointer: str, findings: Findings) -> None:
    """An object with any content."""
    if not isinstance(value, Mapping):
        findings.field_error(pointer, "wrong_type", "Input should be a valid dictionary")


def text(minimum: int = 0, maximum: int | None = None) -> Rule:
    """A string of *minimum* to *maximum* characters."""
    limits = {"minLength": minimum or None, "maxLength": maximum}

    @lets_through(STRING | {name: limit for name, limit in limits.items() if limit is not None})
    def rule(value: JSON, pointer: str, findings: Findings) -> None:
        if not isinstance(value, str):
            findings.field_error(pointer, "wrong_type", "Input should be a valid string")
        elif len(value) < minimum:
            least = f"String should have at least {minimum} character{_plural(minimum)}"
            findings.field_error(pointer, "too_short", least)
        elif maximum is not None and len(value) > maximum:
            most = f"String should have at most {maximum} character{_plural(maximum)}"
            findings.field_error(pointer, "too_long", most)

    return rule


def integer(minimum: int, maximum: int) -> Rule:
    """A whole number from *minimum* to *maximum*."""

    @lets_through({"type": "integer", "minimum": minimum, "maximum": maximum})
    def rule(value: JSON, pointer: str, findings: Findings) -> None:
        if not is_whole(value):
            findings.field_error(pointer, "wrong_type", "Input should be a valid integer")
        else:
            _in_range(value, minimum, maximum, pointer, findings)

    return rule


def number(minimum: float, maximum: float) -> Rule:
    """A number from *minimum* to *maximum*."""

    @lets_through({"type": "number", "minimum": minimum, "maximum": maximum})
    def rule(value: JSON, pointer: str, findings: Findings) -> None:
        if not is_number(value):
            findings.field_error(pointer, "wrong_type", "Input should be a valid number")
        else:
            _in_range(value, minimum, maximum, pointer, findings)

    return rule


def choice(
    words: type[StrEnum],
    noun: str,
    without: frozenset[str] = frozenset(),
    aliases: Collection[str] = (),
) -> Rule:
    """One word of an enumeration, or an *alias* of one, in any case."""
    allowed = [*(word.value for word in words if word.value not in without), *aliases]

    @lets_through(STRING | {"enum": allowed})
    def rule(value: JSON, pointer: str, findings: Findings) -> None:
        if not isinstance(value, str):
            findings.field_error(pointer, "wrong_type", "Input should be a valid string")
        elif value.lower() not in allowed:
            message = f"Value error, '{shown(value)}' is not a valid {noun}"
            hint = f"One of: {', '.join(allowed)}."
            findings.field_error(pointer, "unknown_word", message, hint)

    return rule


def or_template(rule: Rule, template: Schema = TEMPLATE) -> Rule:
    """The same, or a template that gives such a value when the step runs."""

    @lets_through({"anyOf": [rule.schema, template]})
    def either(value: JSON, pointer: str, findings: Findings) -> None:
        if not is_templated(value):
            rule(value, pointer, findings)

    return either


def or_given(rule: Rule) -> Rule:
    """The same, or a template over the params that gives such a value to each execution."""
    return or_template(rule, GIVEN)


def list_of(rule_of_entry: Rule, message: str = "Input should be a valid list") -> Rule:
    """A list of entries that follow a rule."""

    @lets_through({"type": "array", "items": rule_of_entry.schema})
    def rule(value: JSON, pointer: str, findings: Findings) -> None:
        if not isinstance(value, list):
            findings.field_error(pointer, "wrong_type", message)
            return
        for index, entry in enumerate(value):
            rule_of_entry(entry, f"{pointer}/{index}", findings)

    return rule


def map_of(rule_of_value: Rule) -> Rule:
    """An object of values that follow a rule."""

    @lets_through(OBJECT | {"additionalProperties": rule_of_value.schema})
    def rule(value: JSON, pointer: str, findings: Findings) -> None:
        mapping(value, pointer, findings)
        if isinstance(value, Mapping):
            for name, entry in value.items():
                rule_of_value(entry, join(pointer, name), findings)

    return rule


def record(
    fields: Mapping[str, Field],
    message: str = "Input should be a valid dictionary",
    *,
    title: str,
    example: str | None = None,
) -> Rule:
    """An object with known fields; the others are ignored, with a warning.

    An *example* is the hint for who gave something else.
    """
    hint = None if example is None else f"An object, such as {example}."

    @lets_through(_schema_of(fields, title))
    def rule(value: JSON, pointer: str, findings: Findings) -> None:
        if not isinstance(value, Mapping):
            findings.field_error(pointer, "wrong_type", message, hint)
            return
        for name, field in fields.items():
            given = value.get(name)
            if given is not None:
                field.rule(given, f"{pointer}/{name}", findings)
            elif field.required:
                findings.field_error(f"{pointer}/{name}", "required", "Field required")
        for name in value:
            if name not in fields:
                _unknown_field(str(name), fields, pointer, findings)

    return rule


def _schema_of(fields: Mapping[str, Field], title: str) -> Schema:
    required = [name for name, field in fields.items() if field.required]
    properties = {
        name: field.rule.schema if field.required else _or_null(field.rule.schema)
        for name, field in fields.items()
    }
    return OBJECT | {"title": title, "required": required, "properties": properties}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]} if schema else schema


def _unknown_field(
    name: str, fields: Mapping[str, Field], pointer: str, findings: Findings
) -> None:
    place = join(pointer, name)
    message = f"{shown(dotted(place))}: Unknown field, it is ignored"
    inside = [
        f"'{owner}'" for owner, field in fields.items() if name in _members(field.rule.schema)
    ]
    hint = f"It belongs in {' or '.join(inside)}." if inside else None
    findings.warning(place, "unknown_field", message, hint or findings.did_you_mean(name, fields))


def _members(schema: Schema) -> set[str]:
    """The fields of what a schema lets through, if that can be an object with known ones."""
    given: list[Any] = [schema, *cast(list[Any], schema.get("anyOf") or ())]
    return {name for one in given for name in one.get("properties") or ()}


def _in_range(
    value: float, minimum: float, maximum: float, pointer: str, findings: Findings
) -> None:
    # Asked this way round, so that NaN is out of every range.
    if not value >= minimum:
        least = f"Input should be greater than or equal to {minimum:g}"
        findings.field_error(pointer, "out_of_range", least)
    elif not value <= maximum:
        most = f"Input should be less than or equal to {maximum:.10g}"
        findings.field_error(pointer, "out_of_range", most)


def _plural(count: int) -> str:
    return "" if count == 1 else "s"
