"""The params that a stored action has: those of its base that it lets through, and its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline_engine.domain.action_params import holds_template
from pipeline_engine.domain.actions import ActionMeta, ParamDefinition, ParamType, SelectOption
from pipeline_engine.domain.stored_actions.definition import Composite, Template
from pipeline_engine.domain.validation.rules import ValidationRules


def params_of_template(action: Template, base: ActionMeta) -> Sequence[ParamDefinition]:
    """Its exposed params: of the base what has a name there, and the others its own inputs."""
    return [_of_template(entry, action, base) for entry in action.exposed or ()]


def params_of_composite(
    action: Composite, bases: Mapping[str, ActionMeta]
) -> Sequence[ParamDefinition]:
    """Its exposed params; where each part gets what it knows, those of the parts."""
    given: dict[str, ParamDefinition] = {}
    for part in action.parts:
        if part.params is None:
            for param in bases[part.action].params:
                first = given.setdefault(param.name, param)
                given[param.name] = replace(first, required=first.required or param.required)
    if action.exposed is None:
        return [*given.values()]
    return [_described(entry, given.get(entry["name"])) for entry in action.exposed]


def defaults_of(params: Sequence[ParamDefinition]) -> Mapping[str, Any]:
    """What a step that does not give them has in their place."""
    return {param.name: param.default for param in params if param.default is not None}


def passed_through(action: Template, base: ActionMeta) -> Iterator[str]:
    """The exposed params that go to the base as they are."""
    return (name for name in action.exposed_names if base.param(name) is not None)


def _of_template(entry: Mapping[str, Any], action: Template, base: ActionMeta) -> ParamDefinition:
    name = entry["name"]
    param = _described(entry, base.param(name))
    filled = action.defaults.get(name)
    if base.param(name) is None or filled is None:
        return param
    # What the defaults say counts when a step does not say it; a form may begin with it.
    shown = param.default if holds_template(filled) else filled
    return replace(param, required=False, default=shown)


def _described(entry: Mapping[str, Any], known: ParamDefinition | None) -> ParamDefinition:
    said: dict[str, Any] = {name: value for name, value in entry.items() if value is not None}
    if "type" in said:
        said["type"] = ParamType(said["type"].lower())
    if "options" in said:
        said["options"] = [
            SelectOption(o["value"], str(o.get("label") or o["value"])) for o in said["options"]
        ]
    if "validation" in said:
        said["validation"] = ValidationRules(**said["validation"])
    if known is not None:
        return replace(known, **said)
    is_required = said.pop("required", said.get("default") is None)
    label = said.pop("label", said["name"].replace("_", " ").capitalize())
    return ParamDefinition(**said, label=label, required=is_required)
