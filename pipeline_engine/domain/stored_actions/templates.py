"""The check of a template: another action with some of its params filled in."""

from __future__ import annotations

from functools import partial
from typing import Any

from pipeline_engine.domain.action_names import type_of
from pipeline_engine.domain.actions import ActionMeta
from pipeline_engine.domain.checks.catalogue import ActionCatalogue
from pipeline_engine.domain.checks.report import Findings, shown
from pipeline_engine.domain.stored_actions.definition import Template
from pipeline_engine.domain.stored_actions.exposed import passed_through
from pipeline_engine.domain.stored_actions.inner import inner_of, uses_of
from pipeline_engine.domain.stored_actions.steps import (
    check_in,
    check_made,
    check_steps,
    unknown,
)
from pipeline_engine.domain.stored_actions.texts import Names, inputs_read, texts_of

#: Who may answer them is asked of the steps with this name, so they go by no other.
ANSWERED_BY_NAME = frozenset({"approval"})
PARAMS = "/steps/0/params"


def check_template(
    action: Template,
    installed: ActionCatalogue,
    stored: ActionCatalogue,
    findings: Findings,
    *,
    of_system: bool,
) -> None:
    """Note everything that is wrong with it; what it lets its base run may be stored, too."""
    base = installed.find(action.base)
    if base is None:
        _check_base_is_stored(action, installed, stored, findings)
        return
    if base.type in ANSWERED_BY_NAME:
        message = f"'{base.type}' is answered by its name, so it goes by no other"
        hint = "A composite may have it as a step, with the same params filled in."
        findings.error("/template", "not_a_base", message, hint)
        return
    texts = list(texts_of(action.defaults, "/defaults", base))
    read = {name for text, _ in texts for name in inputs_read(text)}
    _check_params_are_read(action, read, base, findings)
    _check_inner_is_another(action, base, findings)
    found = {name: stored.find(name) for name in uses_of(action, installed.find)}
    bases = {name: meta for name, meta in found.items() if meta}
    if bases.keys() == found.keys():
        check_made(action, bases, findings)
    params = _params(action, base)
    step = {"id": action.type, "action": action.base, "params": params}
    check_steps([step], stored, findings, at=partial(_place, action=action))
    names = Names(inputs=action.exposed_names, of_system=of_system)
    for text, own in texts:
        check_in(text, base, params, names, findings, own=own)


def _check_base_is_stored(
    action: Template, installed: ActionCatalogue, stored: ActionCatalogue, findings: Findings
) -> None:
    if stored.find(action.base) is None:
        unknown(action.base, "/template", installed, findings)
        return
    message = f"'{shown(action.base)}' is stored, and a template builds on an installed action"
    hint = "A composite may have it as a step."
    findings.error("/template", "not_a_base", message, hint)


def _params(action: Template, base: ActionMeta) -> dict[str, Any]:
    """What the base is given, as far as that is known without a step."""
    passed = {name: f"{{{{ inputs.{name} }}}}" for name in passed_through(action, base)}
    inner = inner_of(action, base)
    named = {base.inner.action: inner} if base.inner and inner else {}
    return {**passed, **action.defaults, **named}


def _check_inner_is_another(action: Template, base: ActionMeta, findings: Findings) -> None:
    inner = inner_of(action, base)
    if base.inner and inner and type_of(inner) == action.type:
        place = _place(f"{PARAMS}/{base.inner.action}", action=action)
        findings.error(place, "nested_fan_out", f"'{shown(inner)}' would run itself")


def _place(pointer: str, *, action: Template) -> str:
    """Where a stored action says what stands at a *pointer* of the step that is made of it."""
    if not pointer.startswith(PARAMS):
        return "/template"
    name, *_ = pointer.removeprefix(f"{PARAMS}/").split("/")
    if name in action.exposed_names and name not in action.defaults:
        return f"/exposed_params/{action.exposed_names.index(name)}"
    return f"/defaults{pointer.removeprefix(PARAMS)}"


def _check_params_are_read(
    action: Template, read: set[str], base: ActionMeta, findings: Findings
) -> None:
    for index, name in enumerate(action.exposed_names):
        if base.param(name) is None and name not in read and "*" not in read:
            message = f"Nothing reads '{name}': {base.type} has no such param"
            hint = findings.did_you_mean(name, [param.name for param in base.params])
            usual = f"Write {{{{ inputs.{name} }}}} into the defaults."
            findings.error(f"/exposed_params/{index}", "unread_param", message, hint or usual)
