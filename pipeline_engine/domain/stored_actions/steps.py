"""What is asked of the actions that a stored one is made of, and of what they are given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline_engine.domain.action_params import may_park
from pipeline_engine.domain.actions import ActionMeta
from pipeline_engine.domain.checks.action_params import check_actions
from pipeline_engine.domain.checks.catalogue import ActionCatalogue
from pipeline_engine.domain.checks.outline import Outline
from pipeline_engine.domain.checks.report import Findings, shown
from pipeline_engine.domain.checks.scopes import WHERE_PARKED
from pipeline_engine.domain.checks.texts import Text
from pipeline_engine.domain.stored_actions.definition import Composite, Template
from pipeline_engine.domain.stored_actions.exposed import params_of_composite, params_of_template
from pipeline_engine.domain.stored_actions.meta import meta_of
from pipeline_engine.domain.stored_actions.texts import Names, check_text


def unknown(name: str, place: str, actions: ActionCatalogue, findings: Findings) -> None:
    """Note that an action cannot be used, and why."""
    hint = findings.did_you_mean(name, actions.types())
    reason = actions.broken_reason(name)
    message = f"Action '{shown(name)}' " + (
        f"cannot be used: {reason}" if reason else "is not registered"
    )
    findings.error(place, "broken_action" if reason else "unknown_action", message, hint)


def check_made(
    action: Template | Composite, bases: Mapping[str, ActionMeta], findings: Findings
) -> None:
    """What its exposed params say makes sense for a param."""
    made = (
        params_of_template(action, bases[action.base])
        if isinstance(action, Template)
        else params_of_composite(action, bases)
    )
    for problem in meta_of(action, "1", bases).validate():
        index = next((i for i, p in enumerate(made) if f"'{p.name}'" in problem), None)
        place = "/exposed_params" if index is None else f"/exposed_params/{index}"
        findings.error(place, "invalid_param", problem)


def check_steps(
    steps: Sequence[Mapping[str, Any]],
    actions: ActionCatalogue,
    findings: Findings,
    *,
    at: Callable[[str], str] = str,
) -> None:
    """What a pipeline of these steps would be told of their params; *at* says where that stands."""
    found = Findings(findings.limits)
    check_actions(Outline({"steps": list(steps)}), actions, found)
    report = found.report(0)
    for issue in (*report.errors, *report.warnings):
        index = int(issue.pointer.split("/")[2])
        words = issue.message.removeprefix(f"Step '{steps[index]['id']}': ")
        note = findings.warning if issue in report.warnings else findings.error
        note(at(issue.pointer), issue.code, words, issue.hint)


def check_in(
    text: Text,
    base: ActionMeta,
    params: Mapping[str, Any],
    names: Names,
    findings: Findings,
    *,
    own: bool,
) -> None:
    """A text in a param; of what the action renders itself (*own*) it knows more names."""
    more = base.adds_names if own else frozenset()
    if base.inner is not None or may_park(base, params):
        more |= WHERE_PARKED
    check_text(text, replace(names, roots=names.roots | more), findings)
