"""``pipeline-engine actions check``: what is wrong with an action, before the engine finds out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from pipeline_engine.cli.group import example
from pipeline_engine.cli.output import Styled, json_option, print_json, print_line
from pipeline_engine.cli.states import SIGNS

if TYPE_CHECKING:
    from pipeline_engine.authoring.inspection import Inspected

INVALID = 1
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
@json_option
@click.pass_context
def check_action(ctx: click.Context, name: str | None, as_json: bool) -> None:
    """Look for what is wrong with actions, without servers; exit code 1 if something is.

    Looks at an installed TYPE or PACKAGE, at a FILE, or at the FOLDER of a package that need not
    be installed; at all that is installed if nothing is named.
    """
    from pipeline_engine.authoring.inspection import inspected

    found = inspected(name)
    if as_json:
        print_json({"valid": _are_well(found), "actions": [_document(one) for one in found]})
    else:
        _print(found)
    ctx.exit(0 if _are_well(found) else INVALID)


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
