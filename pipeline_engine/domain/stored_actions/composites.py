"""The check of a composite: several actions, one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline_engine.domain.action_names import type_of
from pipeline_engine.domain.action_params import may_park
from pipeline_engine.domain.actions import ActionMeta
from pipeline_engine.domain.checks.catalogue import ActionCatalogue
from pipeline_engine.domain.checks.report import Findings, shown
from pipeline_engine.domain.checks.texts import Kind, Text, texts_in
from pipeline_engine.domain.stored_actions.definition import Composite, Part
from pipeline_engine.domain.stored_actions.exposed import params_of_composite
from pipeline_engine.domain.stored_actions.steps import (
    check_made,
    check_steps,
    unknown,
)
from pipeline_engine.domain.stored_actions.texts import (
    USUAL,
    Names,
    check_text,
    inputs_read,
    texts_of,
    without_secrets,
)


def check_composite(
    action: Composite,
    given: Mapping[str, Any],
    actions: ActionCatalogue,
    findings: Findings,
    *,
    of_system: bool,
) -> None:
    """Note everything that is wrong with it."""
    listed = "sub_actions" if given.get("sub_actions") else "steps"
    places = [f"/{listed}/{i}" + "/action" * (listed == "steps") for i in range(len(action.parts))]
    bases = {}
    for place, part in zip(places, action.parts, strict=True):
        meta = actions.find(part.action)
        if meta is None:
            unknown(part.action, place, actions, findings)
        elif actions.fans_out(part.action) or type_of(part.action) == action.type:
            _nested(part.action, place, findings)
        else:
            bases[part.action] = meta
    before = findings.count
    _check_ids(action, listed, findings)
    if findings.count > before or bases.keys() != set(action.uses):
        return
    check_made(action, bases, findings)
    if listed == "steps":
        steps = [{"id": p.id, "action": p.action, "params": p.params} for p in action.parts]
        check_steps(steps, actions, findings)
    _check_texts(action, bases, findings, of_system=of_system)
    _check_composite_params(action, bases, listed, findings)


def _check_ids(action: Composite, listed: str, findings: Findings) -> None:
    ids = [part.id for part in action.parts]
    for index, one in enumerate(ids):
        if one in ids[:index]:
            place = f"/{listed}/{index}" + "/id" * (listed == "steps")
            hint = "Write 'steps' instead: each has an id of its own."
            message = f"'{shown(one)}' is there already"
            findings.error(place, "duplicate_step_id", message, hint)


def _nested(name: str, place: str, findings: Findings) -> None:
    message = f"'{shown(name)}' makes steps or items itself, so it cannot be one of several"
    hint = "Write its steps down here, or make a pipeline of them: run_pipeline."
    findings.error(place, "nested_fan_out", message, hint)


def _check_texts(
    action: Composite, bases: Mapping[str, ActionMeta], findings: Findings, *, of_system: bool
) -> None:
    ended: dict[str, Sequence[str]] = {}
    inputs = [param.name for param in params_of_composite(action, bases)]
    for index, part in enumerate(action.parts):
        names = Names(
            inputs=inputs,
            roots=USUAL | {"steps"},
            parts=[*ended],
            outputs=dict(ended),
            of_system=of_system,
        )
        _check_part(part, bases[part.action], f"/steps/{index}", names, findings)
        ended[part.id] = _declared(part, bases[part.action])
    roots = (USUAL | {"steps"}) - {"secrets"}
    names = Names(inputs=inputs, roots=roots, parts=[*ended], outputs=ended)
    for text in texts_in(dict(action.outputs), "/outputs"):
        check_text(without_secrets(text), names, findings)


def _declared(part: Part, base: ActionMeta) -> Sequence[str]:
    """What it leaves; empty if it may leave more, as whoever ends a parked one may add to it."""
    if base.open_outputs or may_park(base, part.params or {}):
        return ()
    return [output.name for output in base.outputs]


def _check_part(
    part: Part, base: ActionMeta, pointer: str, names: Names, findings: Findings
) -> None:
    if part.condition is not None:
        condition = Text(f"{pointer}/condition", part.condition, Kind.CONDITION)
        check_text(condition, names, findings)
    # What an action renders itself it renders when the composite is out of its sight.
    later = replace(names, roots=(names.roots - {"inputs", "steps"}) | base.adds_names)
    for text, own in texts_of(part.params or {}, f"{pointer}/params", base):
        check_text(text, later if own else names, findings)


def _check_composite_params(
    action: Composite, bases: Mapping[str, ActionMeta], listed: str, findings: Findings
) -> None:
    """Each exposed param is read by a step, or known to one that is given them all."""
    if action.exposed is None:
        return
    known = {
        param.name for p in action.parts if p.params is None for param in bases[p.action].params
    }
    texts = [
        text
        for part in action.parts
        for text, _ in texts_of(part.params or {}, "", bases[part.action])
    ]
    texts += [Text("", p.condition, Kind.CONDITION) for p in action.parts if p.condition]
    texts += texts_in(dict(action.outputs), "")
    read = {name for text in texts for name in inputs_read(text)}
    for index, name in enumerate(action.exposed_names):
        if name not in known | read and "*" not in read:
            hint = findings.did_you_mean(name, known)
            usual = f"Write {{{{ inputs.{name} }}}} into a step." if listed == "steps" else None
            message = f"Nothing reads '{name}'"
            findings.error(f"/exposed_params/{index}", "unread_param", message, hint or usual)
