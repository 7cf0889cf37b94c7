"""What the params of an action may be, as JSON Schema; a template may stand for any value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pipeline_engine.domain.actions import ActionMeta, JsonShape, ParamDefinition, ParamType
from pipeline_engine.domain.checks.fields import OBJECT, STRING, Schema
from pipeline_engine.domain.json_guard import as_stored
from pipeline_engine.domain.validation.rules import NestedRules, ValidationRules

TEMPLATE: Schema = {
    "type": "string",
    "pattern": "[{][{]",
    "description": "A template: known when the step runs.",
}
NULL: Schema = {"type": "null"}
LIST: Schema = {"type": "array"}
SCALAR: Schema = {"type": ["string", "number", "boolean"]}
#: By the type of a param, as ``FITS`` of ``domain/action_params.py`` tests it.
TYPES: Mapping[ParamType, Schema] = {
    ParamType.NUMBER: {"type": "number"},
    ParamType.BOOLEAN: {"type": "boolean"},
    ParamType.MULTISELECT: LIST,
    ParamType.BRANCHES: LIST,
    ParamType.RANGE: LIST,
    ParamType.STRING: SCALAR,
    ParamType.TEMPLATE: SCALAR,
    **{kind: SCALAR for kind in ParamType if kind.value.endswith("_ref")},
}
SHAPES: Mapping[JsonShape, Schema] = {JsonShape.ARRAY: LIST, JsonShape.OBJECT: OBJECT}
#: By the type of a value inside of another one.
NESTED: Mapping[str, Schema] = {
    "string": STRING,
    "integer": {"type": "integer"},
    "float": {"type": "number"},
    "boolean": {"type": "boolean"},
    "array": LIST,
    "object": OBJECT,
    "secret": STRING,
}
#: Limits by the keyword that says the same; each does nothing to values of other types.
LIMITS = {
    "min": ("minimum",),
    "max": ("maximum",),
    "min_length": ("minLength", "minItems"),
    "max_length": ("maxLength", "maxItems"),
}
#: What RE2 reads and the regular expressions of JSON Schema do not, or otherwise.
_ONLY_RE2 = re.compile(r"\(\?[^:]|\\[pPAzQECx]|\[\[:|\\[^\w\s]?$")


def params_schema(meta: ActionMeta) -> Schema:
    """The schema of ``params`` of a step that runs this action.

    Others than it declares are let through: the check warns of them, and ignores them.
    """
    shown = [param for param in meta.params if param.show_when is None]
    hidden = [param for param in meta.params if param.show_when is not None]
    found: dict[str, Any] = {"type": "object", "title": meta.name, "description": meta.description}
    found["properties"] = {
        **{param.name: _value(param) | _words(param) for param in shown},
        **{param.name: _words(param) for param in hidden},
    }
    if required := [param.name for param in shown if _is_required(param)]:
        found["required"] = required
    if only := [_only_when(param) for param in hidden if _is_plain(param)]:
        found["allOf"] = only
    if meta.deprecated:
        found["deprecated"] = True
    return found


def _is_required(param: ParamDefinition) -> bool:
    return param.required and param.default is None


def _is_plain(param: ParamDefinition) -> bool:
    rule = param.show_when
    return rule is not None and isinstance(rule.equals, str | bool) and rule.not_equals is None


def _only_when(param: ParamDefinition) -> Schema:
    """A param that counts only beside a certain value of another one."""
    assert param.show_when is not None
    other, equals = param.show_when.param, param.show_when.equals
    asked = {"properties": {other: {"const": equals}}, "required": [other]}
    then: dict[str, Any] = {"properties": {param.name: _value(param)}}
    if _is_required(param):
        then["required"] = [param.name]
    return {"if": asked, "then": then}


def _words(param: ParamDefinition) -> dict[str, Any]:
    """What editors show; a default is what the action takes where nothing is given."""
    found: dict[str, Any] = {"title": param.label}
    if param.description:
        found["description"] = param.description
    if param.default is not None:
        found["default"] = as_stored(param.default)
    if param.placeholder:
        found["examples"] = [param.placeholder]
    return found


def _value(param: ParamDefinition) -> dict[str, Any]:
    typed = SHAPES[param.shape] if param.shape else TYPES.get(param.type, {})
    if param.options is not None:
        typed = {**typed, **_choices(param)}
    ways = [{**typed, **(_limits(param.validation) if param.validation else {})}, TEMPLATE]
    if not _is_required(param):
        return {"anyOf": [*ways, NULL, {"const": ""}]}
    # A form leaves "" in a field that nobody filled in; there it counts as missing.
    return {"anyOf": ways, "not": {"enum": [None, ""]}}


def _choices(param: ParamDefinition) -> dict[str, Any]:
    allowed: dict[str, Any] = {"enum": [as_stored(option.value) for option in param.options or ()]}
    if param.type is ParamType.MULTISELECT:
        return {"items": {"anyOf": [allowed, TEMPLATE]}}
    return allowed


def _limits(rules: ValidationRules) -> dict[str, Any]:
    found: dict[str, Any] = {
        keyword: limit
        for name, keywords in LIMITS.items()
        if (limit := getattr(rules, name)) is not None
        for keyword in keywords
    }
    if rules.pattern is not None and not _ONLY_RE2.search(rules.pattern):
        found["pattern"] = f"^(?:{rules.pattern})$"
    if rules.enum is not None:
        found["enum"] = [as_stored(one) for one in rules.enum]
    if rules.items is not None:
        found["items"] = _nested(rules.items)
    if rules.properties:
        found["properties"] = {name: _member(inner) for name, inner in rules.properties.items()}
        found["required"] = [name for name, inner in rules.properties.items() if inner.required]
    return found


def _member(rules: NestedRules) -> Schema:
    inner = _nested(rules)
    return inner if rules.required else {"anyOf": [inner, NULL]}


def _nested(rules: NestedRules) -> Schema:
    return {"anyOf": [{**NESTED.get(rules.type, {}), **_limits(rules)}, TEMPLATE]}
