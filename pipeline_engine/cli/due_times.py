"""``pipeline-engine schedules``: the commands about due times, to come and passed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline_engine.cli import completion
from pipeline_engine.cli.connection import connected
from pipeline_engine.cli.group import example
from pipeline_engine.cli.output import (
    json_option,
    print_json,
    print_line,
    print_table,
    span,
    when,
)
from pipeline_engine.cli.params import given_params, params_options
from pipeline_engine.cli.timing import when as time_of
from pipeline_engine.cli.timing import when_options

if TYPE_CHECKING:
    from pipeline_engine.client import Client

OUTCOMES = ("fired", "queued", "skipped", "merged", "failed")
schedule_argument = click.argument("schedule", shell_complete=completion.schedules)


@click.command(epilog=example("pipeline-engine schedules trigger nightly -p version=1.6"))
@schedule_argument
@params_options
@json_option
@connected
def trigger(
    client: Client,
    schedule: str,
    pairs: tuple[tuple[str, str], ...],
    params_file: Path | None,
    as_json: bool,
) -> None:
    """Start now what it starts; params that are given here go before its own."""
    found = client.schedules.find(schedule)
    document = client.pipeline(found["pipeline_id"])["dag"] if pairs else {}
    answer = client.schedules.trigger(found["id"], given_params(pairs, params_file, document))
    if as_json:
        print_json(answer)
    else:
        click.echo(answer["execution_id"])


@click.command("next", epilog=example("pipeline-engine schedules next nightly --count 3"))
@schedule_argument
@click.option("--count", type=click.IntRange(1, 100), default=5, show_default=True)
@json_option
@connected
def next_runs(client: Client, schedule: str, count: int, as_json: bool) -> None:
    """List the next due times, in UTC and as the clocks of its zone will say them."""
    found = client.schedules.find(schedule)
    answer = client.schedules.next_runs(found["id"], count=count)
    if as_json:
        print_json(answer)
    else:
        _print_runs(answer)


@click.command(
    epilog=example(
        'pipeline-engine schedules preview --cron "30 2 * * *" --timezone America/New_York',
        'pipeline-engine schedules preview --cron "30 2 * * *" --timezone Europe/Berlin'
        " --from 2027-03-26",
    )
)
@when_options
@click.option("--from", "after", metavar="TIME", help="After this moment, in place of now.")
@click.option("--count", type=click.IntRange(1, 100), default=5, show_default=True)
@json_option
@connected
def preview(client: Client, /, after: str | None, count: int, as_json: bool, **given: Any) -> None:
    """Say what a time means, and when that would be; nothing is saved."""
    answer = client.schedules.preview(time_of(given), count=count, after=after)
    if as_json:
        print_json(answer)
        return
    print_line(answer["in_words"])
    click.echo()
    _print_runs(answer)


def _print_runs(answer: Mapping[str, Any]) -> None:
    rows = zip(answer["next_runs"], answer["local"], strict=True)
    print_table("due (UTC)", answer["timezone"], rows=rows)


@click.command(epilog=example("pipeline-engine schedules fires nightly --outcome skipped"))
@schedule_argument
@click.option("--outcome", type=click.Choice(OUTCOMES), help="Only those that ended so.")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True)
@json_option
@connected
def fires(client: Client, schedule: str, outcome: str | None, limit: int, as_json: bool) -> None:
    """List what became of its due times, the newest first."""
    found = client.schedules.find(schedule)
    wanted = {"page_size": limit} | ({"outcome": outcome} if outcome else {})
    answer = client.schedules.fires(found["id"], **wanted)
    if as_json:
        print_json(answer)
        return
    print_table("due", "late", "outcome", "execution", "why", rows=map(_fire, answer["fires"]))


def _fire(one: Mapping[str, Any]) -> tuple[object, ...]:
    many = f" and {one['count'] - 1} until {when(one['until_at'])}" if one["until_at"] else ""
    why = one["reason"] or ("" if one["origin"] == "clock" else one["origin"])
    return (
        f"{when(one['due_at'])}{many}",
        span(int(one["late_seconds"])),
        one["outcome"],
        one["execution_id"] or "-",
        why,
    )


@click.command(
    epilog=example(
        "pipeline-engine schedules backfill nightly --from 2026-03-01 --to 2026-03-08",
        "pipeline-engine schedules backfill nightly --from 2026-03-01 --to 2026-03-08 --go",
    )
)
@schedule_argument
@click.option("--from", "start", required=True, metavar="TIME", help="After this (UTC).")
@click.option("--to", "end", required=True, metavar="TIME", help="Up to this, and with it.")
@click.option("--most", "limit", type=click.IntRange(min=1), help="So many, the oldest first.")
@click.option("--go", is_flag=True, help="Start them; without it they are only listed.")
@json_option
@connected
def backfill(
    client: Client,
    schedule: str,
    start: str,
    end: str,
    limit: int | None,
    go: bool,
    as_json: bool,
) -> None:
    """Make up for due times that have passed and have started nothing."""
    found = client.schedules.find(schedule)
    wanted: dict[str, Any] = {"from": start, "to": end, "dry_run": not go}
    answer = client.schedules.backfill(found["id"], wanted | ({"limit": limit} if limit else {}))
    if as_json:
        print_json(answer)
        return
    print_table("due", "execution", "why", rows=map(_made_up, answer["fires"]))
    if not answer["is_complete"]:
        print_line("There may be more after the last one.")
    if any(one["starts"] for one in answer["fires"]) and not go:
        print_line("Nothing was started: --go starts what is not fired yet.")
    elif not answer["fires"]:
        print_line("Nothing was due after the one and up to the other moment.")


def _made_up(one: Mapping[str, Any]) -> tuple[object, ...]:
    before = f"is {one['before']}" if one["before"] else ""
    starts = "would start" if one["starts"] else "-"
    return when(one["due_at"]), one["execution_id"] or starts, one["reason"] or before


COMMANDS = (trigger, next_runs, preview, fires, backfill)
