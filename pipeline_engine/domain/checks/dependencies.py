"""Step ids and what steps wait for: unique, known, without circles."""

from __future__ import annotations

from pipeline_engine.domain.checks.nodes import Node, Siblings
from pipeline_engine.domain.checks.outline import Outline
from pipeline_engine.domain.checks.report import Findings, shown
from pipeline_engine.domain.definitions import TriggerRule

# The whole circle is in the message: 2,000 steps in a ring are an error, not a novel.
MAX_SHOWN_STEPS = 50


def check_dependencies(outline: Outline, findings: Findings) -> None:
    """Note what is wrong between the steps."""
    _check_ids(outline, findings)
    for siblings in outline.lists:
        for node in siblings.nodes:
            _check_node(node, siblings, outline, findings)
            _check_next(node, siblings, outline, findings)
    for siblings in outline.lists:
        _check_cycle(siblings, findings)


def _check_ids(outline: Outline, findings: Findings) -> None:
    seen: dict[str, str] = {}
    for node in outline.nodes:
        if node.id in seen:
            message = f"steps: Duplicate step ID '{shown(node.id)}'"
            hint = f"The first is {seen[node.id]}; ids are unique in the whole definition,"
            hint += " blocks and handlers included."
            findings.error(f"{node.pointer}/id", "duplicate_step_id", message, hint)
        elif node.id:
            seen[node.id] = node.pointer


def _check_cycle(siblings: Siblings, findings: Findings) -> None:
    path = siblings.cycle
    if path is None:
        return
    if len(path) > MAX_SHOWN_STEPS:
        path = (*path[: MAX_SHOWN_STEPS - 1], "…", path[-1])
    message = f"Cyclic dependency detected: {' -> '.join(path)}"
    findings.error(siblings.pointer, "cyclic_dependency", message)


def _check_node(node: Node, siblings: Siblings, outline: Outline, findings: Findings) -> None:
    for pointer, dependency in node.dependencies:
        if dependency == node.id:
            message = f"steps.{shown(node.id)}: Self-dependency not allowed"
            findings.error(pointer, "self_dependency", message)
        elif dependency not in siblings.ids:
            message = f"steps.{shown(node.id)}.depends_on: Unknown step '{shown(dependency)}'"
            hint = outline.hint_elsewhere(dependency, node, "; depend on '{}'.")
            hint = hint or _hint(dependency, siblings, outline, findings)
            findings.error(pointer, "unknown_step", message, hint)


def _check_next(node: Node, siblings: Siblings, outline: Outline, findings: Findings) -> None:
    """What a caught failure leads to has to wait for the step that fails."""
    for pointer, target in node.caught_by:
        if target not in siblings.ids:
            message = f"steps.{shown(node.id)}.catch: Unknown step '{shown(target)}'"
            hint = hint_of_way(target, outline) or _hint(target, siblings, outline, findings)
            findings.error(pointer, "unknown_step", message, hint)
        elif node.id not in siblings.graph.dependencies(target):
            message = f"steps.{shown(node.id)}.catch: '{target}' does not depend on '{node.id}'"
            hint = f"Add '{shown(node.id)}' to depends_on of '{target}'."
            findings.error(pointer, "branch_target_not_dependent", message, hint)
        elif siblings.has_eager_rule(target):
            message = f"steps.{shown(node.id)}.catch: '{target}' may start before '{node.id}' ends"
            hint = "Give it a trigger rule that waits for all of its dependencies."
            findings.error(pointer, "next_is_eager", message, hint)
        elif siblings.rule_word(target) == TriggerRule.ALL_FAILED:
            message = f"steps.{shown(node.id)}.catch: '{target}' can never run with 'all_failed'"
            hint = "A caught failure counts as a success. Leave out the trigger rule."
            findings.error(pointer, "next_never_runs", message, hint)


def hint_of_way(target: str, outline: Outline) -> str | None:
    """A hint about a way that leads out of its list of steps, or into a block."""
    if target in outline.by_id:
        return "A way leads to a step of the same list; that may be a block."
    return None


def _hint(dependency: str, siblings: Siblings, outline: Outline, findings: Findings) -> str | None:
    if dependency in outline.handler_order:
        return "This is a handler; handlers run when all steps have ended."
    return findings.did_you_mean(dependency, siblings.ids)
