"""Step ids and what steps wait for: unique, known, without circles."""

from __future__ import annotations

from pipeline_engine.domain.checks.outline import Node, Outline
from pipeline_engine.domain.checks.report import Findings, shown
from pipeline_engine.domain.definitions import TriggerRule

# The whole circle is in the message: 2,000 steps in a ring are an error, not a novel.
MAX_SHOWN_STEPS = 50


def check_dependencies(outline: Outline, findings: Findings) -> None:
    """Note what is wrong between the steps."""
    _check_ids(outline, findings)
    for node in outline.steps:
        _check_node(node, outline, findings)
        _check_next(node, outline, findings)
    if outline.cycle:
        path = outline.cycle
        if len(path) > MAX_SHOWN_STEPS:
            path = (*path[: MAX_SHOWN_STEPS - 1], "…", path[-1])
        message = f"Cyclic dependency detected: {' -> '.join(path)}"
        findings.error("/steps", "cyclic_dependency", message)


def _check_ids(outline: Outline, findings: Findings) -> None:
    seen: set[str] = set()
    for node in outline.nodes:
        if node.id in seen:
            message = f"steps: Duplicate step ID '{shown(node.id)}'"
            findings.error(f"{node.pointer}/id", "duplicate_step_id", message)
        if node.id:
            seen.add(node.id)


def _check_node(node: Node, outline: Outline, findings: Findings) -> None:
    for pointer, dependency in node.dependencies:
        if dependency == node.id:
            message = f"steps.{shown(node.id)}: Self-dependency not allowed"
            findings.error(pointer, "self_dependency", message)
        elif dependency not in outline.step_ids:
            message = f"steps.{shown(node.id)}.depends_on: Unknown step '{shown(dependency)}'"
            hint = _hint(dependency, outline, findings)
            findings.error(pointer, "unknown_step", message, hint)


def _check_next(node: Node, outline: Outline, findings: Findings) -> None:
    """What a caught failure leads to has to wait for the step that fails."""
    for pointer, target in node.caught_by:
        if target not in outline.step_ids:
            message = f"steps.{shown(node.id)}.catch: Unknown step '{shown(target)}'"
            findings.error(pointer, "unknown_step", message, _hint(target, outline, findings))
        elif node.id not in outline.graph.dependencies(target):
            message = f"steps.{shown(node.id)}.catch: '{target}' does not depend on '{node.id}'"
            hint = f"Add '{shown(node.id)}' to depends_on of '{target}'."
            findings.error(pointer, "branch_target_not_dependent", message, hint)
        elif outline.has_eager_rule(target):
            message = f"steps.{shown(node.id)}.catch: '{target}' may start before '{node.id}' ends"
            hint = "Give it a trigger rule that waits for all of its dependencies."
            findings.error(pointer, "next_is_eager", message, hint)
        elif outline.rule_word(target) == TriggerRule.ALL_FAILED:
            message = f"steps.{shown(node.id)}.catch: '{target}' can never run with 'all_failed'"
            hint = "A caught failure counts as a success. Leave out the trigger rule."
            findings.error(pointer, "next_never_runs", message, hint)


def _hint(dependency: str, outline: Outline, findings: Findings) -> str | None:
    if dependency in outline.handler_order:
        return "This is a handler; handlers run when all steps have ended."
    return findings.did_you_mean(dependency, outline.step_ids)
