"""``pipeline-engine validate``: every problem of a pipeline document at once."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from pipeline_engine.cli.connection import api_options, connect
from pipeline_engine.cli.documents import read_document
from pipeline_engine.cli.group import example
from pipeline_engine.cli.output import Styled, json_option, keep_log_apart, print_json, print_line
from pipeline_engine.cli.states import SIGNS

INVALID = 1


@click.command(epilog=example("pipeline-engine validate release.json"))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--local", is_flag=True, help="Check here, against the actions installed here.")
@json_option
@api_options
@click.pass_context
def validate(
    ctx: click.Context,
    /,
    file: Path,
    local: bool,
    as_json: bool,
    **_: object,  # those of api_options, which connect reads
) -> None:
    """Check a pipeline document; exit code 1 if it has errors."""
    document = read_document(file)
    report = _check_here(document) if local else connect(ctx).validate(document)
    if as_json:
        print_json(report)
    else:
        _print(report)
        if local:
            _say_what_is_not_known(report)
    ctx.exit(0 if report["valid"] else INVALID)


def _check_here(document: dict[str, Any]) -> dict[str, Any]:
    """Return what ``POST /validate`` would answer."""
    from pipeline_engine.domain.checks import Limits, check
    from pipeline_engine.isolation.terms import Terms
    from pipeline_engine.registry import Registry
    from pipeline_engine.services.actions import Catalogue

    keep_log_apart()
    report = check(document, Catalogue(Registry.discover(terms=Terms.from_env())), limits=Limits())
    return {
        "valid": report.valid,
        "errors": [issue.message for issue in report.errors],
        "warnings": [issue.message for issue in report.warnings],
        "step_count": report.step_count,
        "has_cycles": report.has_cycles,
        "action_versions": dict(report.versions),
        "error_details": [asdict(issue) for issue in report.errors],
        "warning_details": [asdict(issue) for issue in report.warnings],
    }


def _say_what_is_not_known(report: dict[str, Any]) -> None:
    """Stored actions are in the database, out of reach of a check without an API."""
    if any(error["code"] == "unknown_action" for error in report["error_details"]):
        print_line("Only installed actions are known here: leave --local out to check stored ones.")


def _print(report: dict[str, Any]) -> None:
    from pipeline_engine.client import issue_line

    for error in report["error_details"]:
        print_line(Styled("error  ", SIGNS["failed"].colour), issue_line(error))
    for warning in report["warning_details"]:
        print_line(Styled("warning", SIGNS["retrying"].colour), issue_line(warning))
    if report["valid"]:
        count = report["step_count"]
        click.echo(f"valid: {count} step{'' if count == 1 else 's'}")
