"""The form of a stored action: which fields it has, and what they hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields as fields_of
from typing import Any

from pipeline_engine.domain.actions import TYPE_PATTERN, ParamType
from pipeline_engine.domain.checks.fields import (
    Field,
    anything,
    boolean,
    choice,
    lets_through,
    list_of,
    map_of,
    mapping,
    record,
    text,
)
from pipeline_engine.domain.checks.report import Findings
from pipeline_engine.domain.definitions import JSON
from pipeline_engine.domain.validation.rules import ValidationRules

#: Steps of a composite; each is a row of its own, and its join reads those before it.
MOST_PARTS = 50
MOST_EXPOSED = 100
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}", re.ASCII)
COLOR = re.compile(r"#[0-9a-fA-F]{6}", re.ASCII)
LONGEST_TYPE = 100
RULES = frozenset(field.name for field in fields_of(ValidationRules)) - {"items", "properties"}


@lets_through({"type": "string", "pattern": TYPE_PATTERN.pattern, "maxLength": LONGEST_TYPE})
def type_name(value: JSON, pointer: str, findings: Findings) -> None:
    """What steps say, without a version: versions are counted here."""
    if not isinstance(value, str):
        findings.field_error(pointer, "wrong_type", "Input should be a valid string")
    elif not TYPE_PATTERN.fullmatch(value) or len(value) > LONGEST_TYPE:
        words = "A type has letters, digits, underscores and dots, 100 characters at most"
        findings.field_error(pointer, "invalid_name", words, "Such as 'custom_notification'.")


@lets_through({"type": "string", "pattern": NAME.pattern})
def plain_name(value: JSON, pointer: str, findings: Findings) -> None:
    """What a template can say behind a dot."""
    if not isinstance(value, str) or not NAME.fullmatch(value):
        words = "A name is a letter, and up to 99 letters, digits and underscores"
        findings.field_error(pointer, "invalid_name", words)


@lets_through({"type": "string", "pattern": COLOR.pattern})
def color(value: JSON, pointer: str, findings: Findings) -> None:
    """As style sheets have it."""
    if not isinstance(value, str) or not COLOR.fullmatch(value):
        findings.field_error(pointer, "invalid_color", "A colour is written as #rrggbb")


@lets_through({"type": "object"})
def rules(value: JSON, pointer: str, findings: Findings) -> None:
    """The limits of a param; that they make sense is asked of the param."""
    mapping(value, pointer, findings)
    for name in value if isinstance(value, Mapping) else ():
        if name not in RULES:
            hint = (
                findings.did_you_mean(str(name), RULES) or f"There are {', '.join(sorted(RULES))}."
            )
            findings.field_error(f"{pointer}/{name}", "unknown_field", "Unknown limit", hint)


_OPTION = record(
    {"value": Field(anything, required=True), "label": Field(text(0, 100))},
    title="Option",
    example='{"value": "low", "label": "Low"}',
)
_PARAM = record(
    {
        "name": Field(plain_name, required=True),
        "label": Field(text(1, 100)),
        "type": Field(choice(ParamType, "type of a param")),
        "required": Field(boolean),
        "default": Field(anything),
        "description": Field(text(0, 1000)),
        "placeholder": Field(text(0, 200)),
        "options": Field(list_of(_OPTION)),
        "validation": Field(rules),
        "group": Field(text(0, 100)),
    },
    title="ExposedParam",
    example='{"name": "channel", "label": "Channel", "required": false}',
)


@lets_through({"anyOf": [{"type": "string"}, _PARAM.schema]})
def exposed_param(value: JSON, pointer: str, findings: Findings) -> None:
    """A name, or more about it."""
    if isinstance(value, str):
        plain_name(value, pointer, findings)
    else:
        _PARAM(value, pointer, findings)


_STEP = record(
    {
        "id": Field(plain_name, required=True),
        "action": Field(text(1, 255), required=True),
        "params": Field(mapping),
        "condition": Field(text(0, 10_000)),
    },
    title="StepOfComposite",
    example='{"id": "ask", "action": "http_request", "params": {"url": "{{ inputs.url }}"}}',
)
_USUAL: Mapping[str, Field] = {
    "type": Field(type_name, required=True),
    "name": Field(text(1, 100), required=True),
    "category": Field(text(1, 100)),
    "description": Field(text(0, 1000)),
    "icon": Field(text(0, 100)),
    "color": Field(color),
    "exposed_params": Field(list_of(exposed_param)),
}
TEMPLATE = record(
    {**_USUAL, "template": Field(text(1, 255), required=True), "defaults": Field(mapping)},
    title="TemplateAction",
)
COMPOSITE = record(
    {
        **_USUAL,
        "sub_actions": Field(list_of(text(1, 255))),
        "steps": Field(list_of(_STEP)),
        "outputs": Field(map_of(anything)),
    },
    title="CompositeAction",
)
_KINDS = ("template", "sub_actions", "steps")
CHOOSE_OUTPUTS = (
    "A template leaves what its action leaves; a composite with one step can choose its outputs."
)


def check_shape(given: Mapping[str, Any], findings: Findings) -> None:
    """Note what is wrong with the fields of a stored action."""
    said = [name for name in _KINDS if given.get(name) is not None]
    if len(said) != 1:
        both = f", not {' and '.join(said)}" if said else ""
        findings.error("", "no_kind", f"Say one of template, sub_actions or steps{both}")
        return
    if said == ["template"] and given.get("outputs") is not None:
        findings.error("/outputs", "unknown_field", "A template has no outputs", CHOOSE_OUTPUTS)
        given = {name: value for name, value in given.items() if name != "outputs"}
    (TEMPLATE if said == ["template"] else COMPOSITE)(given, "", findings)
    _check_counts(given, said[0], findings)


def _check_counts(given: Mapping[str, Any], kind: str, findings: Findings) -> None:
    exposed, parts = given.get("exposed_params"), given[kind]
    if isinstance(exposed, list) and len(exposed) > MOST_EXPOSED:
        words = f"At most {MOST_EXPOSED} params can be exposed"
        findings.error("/exposed_params", "too_many_params", words)
    if isinstance(parts, list) and not 1 <= len(parts) <= MOST_PARTS:
        words = f"A composite has 1 to {MOST_PARTS} actions"
        findings.error(f"/{kind}", "wrong_number_of_steps", words)
