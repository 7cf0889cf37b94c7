"""``pipeline-engine actions check``: what is wrong with an action, before the engine finds out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from pipeline_engine.cli.group import example
from pipeline_engine.cli.output import Styled, json_option, keep_log_apart, print_json, print_line
from pipeline_engine.cli.states import SIGNS

if TYPE_CHECKING:
    from pipeline_engine.authoring.inspection import Inspected

INVALID = 1
PEERS_MISSING = "its contract is checked with stand-ins for its peers: docs/howto/test-an-action.md"
COLOURS = {"error": SIGNS["failed"].colour, "warning": SIGNS["retrying"].colour}


@click.command(
    "check",
    epilog=example(
        "pipeline-engine actions check .",
        "pipeline-engine actions check ./my_action.py",
        "pipeline-engine actions check acme-actions",
    ),
)
@click.argument("name", metavar="[TYPE|PACKAGE|FILE|FOLDER]", required=False)
@click.option("--contract", is_flag=True, help="Run the contract kit on them, too.")
@json_option
@click.pass_context
def check_action(ctx: click.Context, name: str | None, contract: bool, as_json: bool) -> None:
    """Look for what is wrong with actions, without servers; exit code 1 if something is.

    Looks at an installed TYPE or PACKAGE, at a FILE, or at the FOLDER of a package that need not
    be installed; at all that is installed if nothing is named. --contract tries an action as the
    tests of its author would, by the examples of its metadata.
    """
    from pipeline_engine.authoring.inspection import inspected

    keep_log_apart()
    found = inspected(name)
    if contract:
        found = [_with_contract(one) for one in found]
    if as_json:
        print_json({"valid": _are_well(found), "actions": [_document(one) for one in found]})
    else:
        _print(found)
    ctx.exit(0 if _are_well(found) else INVALID)


def _with_contract(one: Inspected) -> Inspected:
    """What the contract kit finds, too, in what can be run without its peers."""
    from pipeline_engine.authoring.findings import Finding, Severity
    from pipeline_engine.contract_kit import broken_clauses

    if one.action is None or not one.is_well:
        return one
    if one.action.meta.required_services:
        missing = Finding(Severity.WARNING, PEERS_MISSING)
        return replace(one, findings=[*one.findings, missing])
    breaches = [str(breach) for breach in broken_clauses(one.action)]
    broken = [Finding(Severity.ERROR, breach) for breach in breaches]
    return replace(one, findings=[*one.findings, *broken])


def _are_well(found: Sequence[Inspected]) -> bool:
    return all(one.is_well for one in found)


def _document(one: Inspected) -> dict[str, object]:
    findings = [{"severity": f.severity.value, "message": f.message} for f in one.findings]
    return {"name": one.name, "package": one.package, "valid": one.is_well, "findings": findings}


def _print(found: Sequence[Inspected]) -> None:
    for one in found:
        if one.findings:
            print_line(f"{one.name} ({one.package})" if one.package else one.name)
        for finding in one.findings:
            word = Styled(f"  {finding.severity.value:<8}", COLOURS[finding.severity.value])
            print_line(word, finding.message)
    count = Counter(finding.severity.value for one in found for finding in one.findings)
    numbers = (("action", len(found)), ("error", count["error"]), ("warning", count["warning"]))
    print_line(
        ", ".join(f"{number} {word}{'' if number == 1 else 's'}" for word, number in numbers)
    )
