"""``pipeline-engine retention``: what is kept for how long, and deleting the rest now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pipeline_engine.cli.connection import connected
from pipeline_engine.cli.group import example
from pipeline_engine.cli.output import age, json_option, print_json, print_line, print_table

if TYPE_CHECKING:
    from pipeline_engine.client import Client


@click.group()
def retention() -> None:
    """Say what is kept for how long, and delete the rest now; administrators only."""


@retention.command(epilog=example("pipeline-engine retention stats"))
@json_option
@connected
def stats(client: Client, as_json: bool) -> None:
    """Show the rules, and how many executions each lets go now."""
    found = client.retention()
    if as_json:
        print_json(found)
        return
    rows = (
        (
            one["pipeline"] or "any",
            one["owner"] if one["owner"] is not None else "any",
            ", ".join(one["status"] or ["any"]),
            "for ever" if one["days"] is None else one["days"],
            one["keep_last"] if one["keep_last"] is not None else "-",
            one["executions"],
        )
        for one in found["rules"]
    )
    print_table("pipeline", "owner", "status", "days", "keeps the last", "to delete", rows=rows)
    print_line(f"oldest end: {age(found['oldest_end'])}; archive: {found['archive'] or 'none'}")


@retention.command(epilog=example("pipeline-engine retention preview"))
@json_option
@connected
def preview(client: Client, as_json: bool) -> None:
    """Count what would be deleted now."""
    _tell(client.run_retention(dry_run=True), as_json=as_json)


@retention.command(epilog=example("pipeline-engine retention run --yes"))
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@connected
def run(client: Client, yes: bool, as_json: bool) -> None:
    """Delete what is old enough; beat does it every night."""
    if not yes:
        wanted = client.run_retention(dry_run=True)
        click.confirm(f"Delete {wanted['executions']} executions and old rows?", abort=True)
    _tell(client.run_retention(), as_json=as_json)


def _tell(cleaned: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(cleaned)
        return
    rows = [("executions", cleaned["executions"]), *sorted(cleaned["ledgers"].items())]
    rows += [(name, cleaned[name]) for name in ("revisions", "audit_records") if cleaned[name]]
    print_table("", "would be deleted" if cleaned["dry_run"] else "deleted", rows=rows)
    if cleaned["archive"]:
        print_line(f"archived in {cleaned['archive']}")
    for error in cleaned["errors"]:
        print_line(error)
