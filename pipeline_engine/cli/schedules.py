"""``pipeline-engine schedules``: pipelines that start by the clock, and what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline_engine.cli import completion, due_times
from pipeline_engine.cli.connection import connected
from pipeline_engine.cli.group import example
from pipeline_engine.cli.output import (
    Styled,
    json_option,
    print_facts,
    print_json,
    print_line,
    print_table,
    printable,
    when,
)
from pipeline_engine.cli.params import given_params, params_options
from pipeline_engine.cli.states import state
from pipeline_engine.cli.timing import rules, schedule_options
from pipeline_engine.cli.timing import when as time_of

if TYPE_CHECKING:
    from pipeline_engine.client import Client

#: What ``show`` says if it was said: a field of the API, and how it is called here.
TOLD = {
    "starts_at": "starts",
    "expires_at": "expires",
    "max_runs": "at most",
    "jitter_seconds": "jitter",
    "misfire": "misfire",
    "catch_up_seconds": "catch up",
    "overlap": "overlap",
    "pause_after_failures": "pause after",
}


@click.group()
def schedules() -> None:
    """Start pipelines by the clock, and see what became of each due time."""


for command in due_times.COMMANDS:
    schedules.add_command(command)


@schedules.command(
    epilog=example(
        'pipeline-engine schedules create nightly release --cron "30 2 * * *" '
        "--timezone Europe/Berlin",
        "pipeline-engine schedules create pulse release --every 15m -p version=1.5",
    )
)
@click.argument("name")
@click.argument("pipeline", shell_complete=completion.pipelines)
@schedule_options
@params_options
@click.option("--paused", is_flag=True, help="Let nothing be due until it is resumed.")
@json_option
@connected
def create(
    client: Client,
    /,
    name: str,
    pipeline: str,
    pairs: tuple[tuple[str, str], ...],
    params_file: Path | None,
    paused: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Start a pipeline, by its name or id, whenever it is due."""
    schedule = time_of(given)
    stored = client.find_pipeline(pipeline)
    made = client.schedules.create(
        {
            "name": name,
            "pipeline_id": stored["id"],
            "schedule": schedule,
            "params": given_params(pairs, params_file, stored["dag"]),
            "enabled": not paused,
            **rules(given),
        }
    )
    _report(made, as_json=as_json)


@schedules.command(
    epilog=example(
        'pipeline-engine schedules change nightly --cron "0 4 * * *"',
        "pipeline-engine schedules change nightly --overlap skip --max-runs none",
    )
)
@due_times.schedule_argument
@click.option("--name", help="Call it something else.")
@click.option("--pipeline", shell_complete=completion.pipelines, help="Start another one.")
@schedule_options
@params_options
@json_option
@connected
def change(
    client: Client,
    /,
    schedule: str,
    name: str | None,
    pipeline: str | None,
    pairs: tuple[tuple[str, str], ...],
    params_file: Path | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Change what is said here, and nothing else; a new time counts from now on."""
    stored = client.schedules.find(schedule)
    wanted = rules(given)
    if (time := time_of(given, stored["schedule"])) != stored["schedule"]:
        wanted["schedule"] = time
    if name:
        wanted["name"] = name
    if pipeline or pairs or params_file:
        found = client.find_pipeline(pipeline or stored["pipeline_id"])
        wanted["pipeline_id"] = found["id"]
        if pairs or params_file:
            wanted["params"] = given_params(pairs, params_file, found["dag"])
    if not wanted:
        raise click.UsageError("Say what is to be another.")
    _report(client.schedules.change(stored, wanted), as_json=as_json)


@schedules.command("list", epilog=example("pipeline-engine schedules list --status active"))
@click.option("--pipeline", shell_complete=completion.pipelines, help="Only of this one.")
@click.option(
    "--status",
    type=click.Choice(("active", "paused", "expired", "completed")),
    help="Only those that are up to this.",
)
@json_option
@connected
def list_schedules(client: Client, pipeline: str | None, status: str | None, as_json: bool) -> None:
    """List schedules, the newest first: when each is due next, and what it starts."""
    wanted = {"status": status} if status else {}
    if pipeline:
        wanted["pipeline_id"] = client.find_pipeline(pipeline)["id"]
    found = client.schedules.listed(**wanted)
    if as_json:
        print_json(found)
        return
    names = Counter(one["name"] for one in found)
    rows = (
        (
            one["name"] if names[one["name"]] == 1 else f"{one['name']} {one['id']}",
            _status(one),
            when(one["next_run_at"]),
            one["pipeline_name"] or "-",
            _in_words(one),
        )
        for one in found
    )
    print_table("schedule", "status", "next", "pipeline", "when", rows=rows)


@schedules.command(epilog=example("pipeline-engine schedules show nightly"))
@due_times.schedule_argument
@json_option
@connected
def show(client: Client, schedule: str, as_json: bool) -> None:
    """Show a schedule, by its name or id: when it is due, and what is to become of it."""
    stored = client.schedules.find(schedule)
    if as_json:
        print_json(stored)
        return
    print_line(printable(stored["name"]), "", _status(stored), "", stored["id"])
    if stored["description"]:
        print_line(stored["description"])
    print_line(_in_words(stored))
    click.echo()
    print_facts(_facts(stored))


def _facts(stored: Mapping[str, Any]) -> list[tuple[str, object]]:
    last = stored["last_execution_status"]
    facts: list[tuple[str, object]] = [
        ("pipeline", stored["pipeline_name"] or "deleted"),
        ("next", when(stored["next_run_at"])),
        ("last", f"{when(stored['last_run_at'])}{f' {last.lower()}' if last else ''}"),
        ("fired", stored["run_count"]),
    ]
    facts += [(word, stored[field]) for field, word in TOLD.items() if stored[field]]
    return [*facts, *((f"params.{name}", value) for name, value in stored["params"].items())]


@schedules.command(epilog=example("pipeline-engine schedules pause nightly"))
@due_times.schedule_argument
@json_option
@connected
def pause(client: Client, schedule: str, as_json: bool) -> None:
    """Let nothing be due; what passes until it is resumed is not made up for."""
    found = client.schedules.find(schedule)
    _report(client.schedules.pause(found["id"]), as_json=as_json)


@schedules.command(epilog=example("pipeline-engine schedules resume nightly"))
@due_times.schedule_argument
@json_option
@connected
def resume(client: Client, schedule: str, as_json: bool) -> None:
    """Go on with the first due time that is still to come."""
    found = client.schedules.find(schedule)
    _report(client.schedules.resume(found["id"]), as_json=as_json)


@schedules.command(epilog=example("pipeline-engine schedules delete nightly --yes"))
@due_times.schedule_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@connected
def delete(client: Client, schedule: str, yes: bool, as_json: bool) -> None:
    """Delete a schedule with its ledger; what it has started stays."""
    stored = client.schedules.find(schedule)
    if not yes:
        click.confirm(f"Delete {printable(stored['name'])} ({stored['id']})?", abort=True)
    client.schedules.delete(stored["id"])
    if as_json:
        print_json(stored)
    else:
        click.echo("deleted")


def _report(stored: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(stored)
        return
    following = stored["next_run_at"]
    status = f"due next {when(following)}" if following else stored["status"]
    print_line(f"{printable(stored['name'])} is {status}  {_in_words(stored)}  {stored['id']}")


def _status(stored: Mapping[str, Any]) -> Styled:
    """What it is up to, and why the engine has paused it."""
    reason = stored["disabled_reason"]
    return state(stored["status"], f"({reason.replace('_', ' ')})" if reason else "")


def _in_words(stored: Mapping[str, Any]) -> str:
    """When it is due; what counts in real time has no zone to tell, and once tells it itself."""
    timing = stored["schedule"]
    zone = f", {timing['timezone']}" if timing["type"] == "cron" else ""
    return f"{stored['in_words']}{zone}"
