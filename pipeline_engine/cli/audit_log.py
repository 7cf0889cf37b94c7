"""``pipeline-engine audit-log``: who did what to which row, and what was refused to whom."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from pipeline_engine.cli.connection import connected
from pipeline_engine.cli.group import example
from pipeline_engine.cli.output import Styled, json_option, print_json, print_table, printable, when
from pipeline_engine.domain.audit_log import Act, Result

if TYPE_CHECKING:
    from pipeline_engine.client import Client
    from pipeline_engine.client.http import Json

STYLES = {Result.REFUSED: "yellow", Result.FAILED: "red"}
NOBODY = "-"  #: who has not proven who he is


@click.command(
    "audit-log",
    epilog=example(
        "pipeline-engine audit-log --result refused",
        "pipeline-engine audit-log --act token.create --since 2026-01-31 --details",
    ),
)
@click.option("--principal", help="Only what was done with one credential: env:user:ada.")
@click.option(
    "--act",
    type=click.Choice([act.value for act in Act]),
    metavar="ACT",
    help="Only this: pipeline.delete.",
)
@click.option("--target", help="Only what was done to one row, by its id.")
@click.option("--owner", help="Only what was done to the rows of one owner.")
@click.option(
    "--result",
    type=click.Choice([result.value for result in Result]),
    help="Only what ended like this.",
)
@click.option("--request-id", help="Only one request, by its X-Correlation-ID.")
@click.option("--since", help="Only from this day or moment (UTC) on: 2026-01-31.")
@click.option("--until", help="Only up to this day, or moment.")
@click.option("--before", type=int, help="Only records with a lower id: the next page.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--details", is_flag=True, help="Also whence, in which request, and names.")
@json_option
@connected
def audit_log(client: Client, /, *, details: bool, as_json: bool, **filters: Any) -> None:
    """List who did what, and what was refused to whom; the newest first.

    Who is bound to owners sees what was done to their rows.
    """
    found = client.audit_log(**{name: value for name, value in filters.items() if value})
    if as_json:
        print_json(found)
        return
    rows = (_row(record, with_details=details) for record in found["records"])
    print_table("at", "by", "act", "result", "target", rows=rows)
    if found["next_before"] is not None:
        click.echo(f"There are older ones: --before {found['next_before']}", err=True)


def _row(record: Json, *, with_details: bool) -> tuple[object, ...]:
    code = f"[{record['code']}]" if record["code"] else ""
    said = [code, _target(record), *(_details(record) if with_details else ())]
    return (
        when(record["at"]),
        record["principal"] or NOBODY,
        record["act"],
        Styled(printable(record["result"]), STYLES.get(record["result"], "")),
        "  ".join(part for part in said if part),
    )


def _target(record: Json) -> str:
    owner = f"of {record['owner']}" if record["owner"] else ""
    return " ".join(word for word in (record["target"], owner) if word)


def _details(record: Json) -> Iterator[str]:
    if record["acted_for"] not in (None, record["owner"]):
        yield f"for {record['acted_for']}"
    if record["address"]:
        yield f"from {record['address']}"
    if record["request_id"]:
        yield f"request {record['request_id']}"
    for name, value in record["details"].items():
        yield f"{name} {value if isinstance(value, str) else json.dumps(value)}"
