"""A definition as JSON Schema for editors: the shape of it, and what each installed action takes.

It lets through whatever ``check`` lets through. What only the check can tell (circles, names that
stand for nothing, what an action itself has against its params) is not in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline_engine.domain.action_names import VERSION_SIGN
from pipeline_engine.domain.actions import ActionMeta
from pipeline_engine.domain.checks.fields import STRING, Schema
from pipeline_engine.domain.checks.params_schema import params_schema
from pipeline_engine.domain.checks.structure import document_schema

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ID = "urn:pipeline-engine:schema"
#: What names an action, by the title of its schema.
OWNERS = frozenset({"StepDefinition", "HandlerDefinition", "Compensation"})
ACTION, PARAMS_FIT = "Action", "ParamsFit"
ANY_PIN = f"{VERSION_SIGN}[0-9]+([.][0-9]+)*"


def editor_schema(actions: Iterable[ActionMeta]) -> Schema:
    """The schema of a whole definition; *actions* are those of all versions, newest first."""
    by_type: dict[str, list[ActionMeta]] = {}
    for meta in actions:
        by_type.setdefault(meta.type, []).append(meta)
    shape: dict[str, Any] = _for_editors(document_schema())
    shape["$defs"] |= {
        ACTION: _names(by_type),
        PARAMS_FIT: {"allOf": [_fit(versions) for versions in by_type.values()]},
    }
    return {
        "$schema": DIALECT,
        "$id": f"{ID}:definition",
        **shape,
        "description": "A pipeline, with the actions that are installed.",
        "required": ["name", "steps"],
    }


def schema_of_action(meta: ActionMeta) -> Schema:
    """The schema of the params of one action, for itself."""
    name = f"{meta.type}:{meta.version}"
    return {"$schema": DIALECT, "$id": f"{ID}:action:{name}", **params_schema(meta)}


def _names(by_type: Mapping[str, Sequence[ActionMeta]]) -> Schema:
    """What ``action`` may say: a type, an older name of one, either with a version."""
    newest = {kind: versions[0] for kind, versions in by_type.items()}
    named = [_named(name, meta) for meta in newest.values() for name in (meta.type, *meta.aliases)]
    return {"anyOf": [*named, {"pattern": _any_of(newest.values(), ANY_PIN)}], **STRING}


def _named(name: str, meta: ActionMeta) -> Schema:
    found: dict[str, Any] = {"const": name, "title": meta.name, "description": meta.description}
    if meta.deprecated or name != meta.type:
        found["deprecated"] = True
    return found


def _fit(versions: Sequence[ActionMeta]) -> Schema:
    """The params of an action; which version a step takes may depend on them."""
    schemas = [params_schema(meta) for meta in versions]
    params: Schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    then: dict[str, Any] = {"properties": {"params": {"anyOf": [params, {"type": "null"}]}}}
    if all(schema.get("required") for schema in schemas):
        then = {"properties": {"params": params}, "required": ["params"]}
    pattern = _any_of(versions, f"({ANY_PIN})?")
    asked = {"properties": {"action": {"type": "string", "pattern": pattern}}}
    return {"if": {**asked, "required": ["action"]}, "then": then}


def _any_of(metas: Iterable[ActionMeta], behind: str) -> str:
    names = sorted({name for meta in metas for name in (meta.type, *meta.aliases)})
    return f"^({'|'.join(map(re.escape, names))}){behind}$"


def _for_editors(schema: Any) -> Any:
    """The shape with words in any case, and with actions where there are any."""
    if isinstance(schema, list):
        return [_for_editors(member) for member in schema]
    if not isinstance(schema, Mapping):
        return schema
    found = {key: _for_editors(value) for key, value in schema.items()}
    title = found.get("title")
    if isinstance(title, str) and title in OWNERS:
        found["properties"]["action"] = _or_none(found["properties"]["action"])
        found["allOf"] = [{"$ref": f"#/$defs/{PARAMS_FIT}"}]
    if found.get("type") == "string" and "enum" in found:
        return {"anyOf": [{"enum": found["enum"]}, STRING | {"pattern": _any_case(found["enum"])}]}
    return found


def _or_none(schema: Schema) -> Schema:
    """The names of actions in the place of any text; a step with ``steps`` has none."""
    named = {"$ref": f"#/$defs/{ACTION}"}
    return {"anyOf": [named, {"type": "null"}]} if "anyOf" in schema else named


def _any_case(words: Iterable[str]) -> str:
    spelled = ("".join(map(_either_case, word)) for word in words)
    return f"^({'|'.join(spelled)})$"


def _either_case(character: str) -> str:
    lower, upper = character.lower(), character.upper()
    return re.escape(character) if lower == upper else f"[{lower}{upper}]"
