"""The check of a template: another action with some of its params filled in."""

from __future__ import annotations

from pipeline_engine.domain.actions import ActionMeta
from pipeline_engine.domain.checks.catalogue import ActionCatalogue
from pipeline_engine.domain.checks.report import Findings
from pipeline_engine.domain.stored_actions.definition import Template
from pipeline_engine.domain.stored_actions.steps import (
    check_in,
    check_made,
    check_steps,
    unknown,
)
from pipeline_engine.domain.stored_actions.texts import Names, inputs_read, texts_of

#: Who may answer them is asked of the steps with this name, so they go by no other.
ANSWERED_BY_NAME = frozenset({"approval"})


def check_template(
    action: Template, installed: ActionCatalogue, findings: Findings, *, of_system: bool
) -> None:
    """Note everything that is wrong with it."""
    base = installed.find(action.base)
    if base is None:
        unknown(action.base, "/template", installed, findings)
        return
    if base.type in ANSWERED_BY_NAME:
        message = f"'{base.type}' is answered by its name, so it goes by no other"
        hint = "A composite may have it as a step, with the same params filled in."
        findings.error("/template", "not_a_base", message, hint)
        return
    texts = list(texts_of(action.defaults, "/defaults", base))
    read = {name for text, _ in texts for name in inputs_read(text)}
    _check_params_are_read(action, read, base, findings)
    check_made(action, {action.base: base}, findings)
    filled = {
        name: f"{{{{ inputs.{name} }}}}"
        for name in action.exposed_names
        if base.param(name) is not None and name not in action.defaults
    }
    step = {"id": action.type, "action": action.base, "params": {**action.defaults, **filled}}
    check_steps([step], installed, findings, at=("/template", "/defaults"))
    names = Names(inputs=action.exposed_names, of_system=of_system)
    for text, own in texts:
        check_in(text, base, {**action.defaults, **filled}, names, findings, own=own)


def _check_params_are_read(
    action: Template, read: set[str], base: ActionMeta, findings: Findings
) -> None:
    for index, name in enumerate(action.exposed_names):
        if base.param(name) is None and name not in read and "*" not in read:
            message = f"Nothing reads '{name}': {base.type} has no such param"
            hint = findings.did_you_mean(name, [param.name for param in base.params])
            usual = f"Write {{{{ inputs.{name} }}}} into the defaults."
            findings.error(f"/exposed_params/{index}", "unread_param", message, hint or usual)
