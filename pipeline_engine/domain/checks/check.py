"""The order of the checks."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pipeline_engine.domain.checks.action_params import check_actions
from pipeline_engine.domain.checks.blocks import check_blocks
from pipeline_engine.domain.checks.catalogue import ActionCatalogue
from pipeline_engine.domain.checks.dependencies import check_dependencies
from pipeline_engine.domain.checks.fields import text
from pipeline_engine.domain.checks.limits import Limits
from pipeline_engine.domain.checks.outline import Outline
from pipeline_engine.domain.checks.references import check_references
from pipeline_engine.domain.checks.report import CheckReport, Findings
from pipeline_engine.domain.checks.shadowed import check_shadowed
from pipeline_engine.domain.checks.structure import document_shape
from pipeline_engine.domain.checks.versions import (
    check_deprecations,
    choose_versions,
    recorded_versions,
)
from pipeline_engine.domain.definitions import JSON

USUAL = Limits()


def check(
    document: object,
    actions: ActionCatalogue,
    *,
    limits: Limits = USUAL,
    name: str | None = None,
    allow_draft: bool = False,
    secrets: Collection[str] | None = None,
) -> CheckReport:
    """Everything that is wrong with *document*, whatever it is.

    *name* is the name in the request, which beats the one in the document. With *allow_draft* a
    document without steps needs nothing but a name. *secrets* are the names that its owner has
    secrets for; None if they are not known here.
    """
    findings = Findings(limits)
    if not isinstance(document, Mapping):
        _not_an_object(document, findings)
    elif allow_draft and document.get("steps") in (None, []):
        text(1, 255)(name or document.get("name") or "", "/name", findings)
    elif not document:
        findings.error("", "required", "DAG data cannot be empty")
    elif _is_deeper_than(limits.max_depth, document):
        message = f"Lists and objects are nested more than {limits.max_depth} deep"
        findings.error("", "too_deep", message)
    else:
        return _check_object(document, actions, name, secrets, findings)
    return findings.report(0)


def _check_object(
    document: Mapping[str, JSON],
    actions: ActionCatalogue,
    name: str | None,
    secrets: Collection[str] | None,
    findings: Findings,
) -> CheckReport:
    outline = Outline(document)
    # The work of all checks grows with these numbers.
    if _fits_limits(outline, findings):
        document_shape(named=bool(name))(document, "", findings)
        if document.get("steps") == []:
            findings.error("/steps", "no_steps", "steps: At least one step is required")
        check_blocks(outline, findings)
        check_dependencies(outline, findings)
        check_shadowed(outline, findings)
        chosen = choose_versions(outline, actions, findings)
        check_actions(outline, chosen, findings)
        check_deprecations(outline, chosen, findings)
        check_references(outline, chosen, findings, secrets)
        return findings.report(len(outline.steps), recorded_versions(outline, chosen))
    return findings.report(len(outline.steps))


def _not_an_object(document: object, findings: Findings) -> None:
    if document is None:
        findings.error("", "required", "DAG data cannot be None")
    else:
        findings.error("", "wrong_type", "DAG data must be a dictionary")


def _fits_limits(outline: Outline, findings: Findings) -> bool:
    limits = findings.limits
    steps = len(outline.nodes)
    edges = sum(1 for node in outline.steps for _ in node.dependencies)
    if steps > limits.max_steps:
        message = f"steps: List should have at most {limits.max_steps} steps, not {steps}"
        findings.error("/steps", "too_many_steps", message)
    if edges > limits.max_edges:
        message = f"steps: There should be at most {limits.max_edges} dependencies, not {edges}"
        findings.error("/steps", "too_many_edges", message)
    return steps <= limits.max_steps and edges <= limits.max_edges


def _is_deeper_than(most: int, document: JSON) -> bool:
    """Answered layer by layer: no depth can exhaust the stack."""
    layer = [document]
    for _ in range(most):
        layer = [inner for value in layer for inner in _inside(value)]
    return bool(layer)


def _inside(value: JSON) -> list[JSON]:
    """The lists and objects directly in a list or object."""
    entries = value.values() if isinstance(value, Mapping) else value
    return [entry for entry in entries if isinstance(entry, Mapping | list)]
