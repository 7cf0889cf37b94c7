"""Everything that is wrong with a stored action, at the places where it is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from pipeline_engine.domain.checks.catalogue import ActionCatalogue
from pipeline_engine.domain.checks.limits import Limits
from pipeline_engine.domain.checks.report import Findings
from pipeline_engine.domain.issues import Issue
from pipeline_engine.domain.stored_actions.composites import check_composite
from pipeline_engine.domain.stored_actions.definition import Template, parse
from pipeline_engine.domain.stored_actions.shape import check_shape
from pipeline_engine.domain.stored_actions.templates import check_template

LARGEST = 65_536  #: bytes as JSON; each revision that uses one has it, too
#: Warnings about steps that are errors here: who writes an action means what he writes.
NO_WARNINGS = frozenset({"unknown_param", "unknown_field"})


def check(
    given: Mapping[str, Any],
    installed: ActionCatalogue,
    stored: ActionCatalogue,
    *,
    of_system: bool,
    limits: Limits,
) -> Sequence[Issue]:
    """What is wrong with a stored action; nothing, if it can be used.

    *installed* are the actions that templates can build on; *stored* are those and the templates
    of the owner, of which composites can be made and which loops can run.
    """
    findings = Findings(limits)
    if len(orjson.dumps(given)) > LARGEST:
        findings.error("", "too_large", f"An action takes at most {LARGEST} bytes")
        return findings.report(0).errors
    check_shape(given, findings)
    report = findings.report(0)
    if report.errors or report.warnings:
        return (*report.errors, *report.warnings)
    action = parse(given)
    _check_name(action.type, installed, findings)
    _check_exposed_once(action.exposed_names, findings)
    if findings.count:
        return findings.report(0).errors
    if isinstance(action, Template):
        check_template(action, installed, stored, findings, of_system=of_system)
    else:
        check_composite(action, given, stored, findings, of_system=of_system)
    return _in_one_list(findings)


def _in_one_list(findings: Findings) -> Sequence[Issue]:
    report = findings.report(0)
    return [
        *report.errors,
        *(warning for warning in report.warnings if warning.code in NO_WARNINGS),
    ]


def _check_name(name: str, installed: ActionCatalogue, findings: Findings) -> None:
    taken = installed.find(name) is not None or installed.broken_reason(name) is not None
    if taken:
        message = f"'{name}' is the name of an installed action"
        findings.error("/type", "name_taken", message, "Choose another one.")


def _check_exposed_once(names: Sequence[str], findings: Findings) -> None:
    for index, name in enumerate(names):
        if name in names[:index]:
            message = f"'{name}' is exposed already"
            findings.error(f"/exposed_params/{index}", "duplicate_param", message)
