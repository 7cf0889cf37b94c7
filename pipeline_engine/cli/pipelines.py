"""``pipeline-engine pipelines``: the stored definitions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline_engine.cli import completion
from pipeline_engine.cli.connection import connected
from pipeline_engine.cli.documents import read_document
from pipeline_engine.cli.group import example
from pipeline_engine.cli.output import (
    age,
    json_option,
    print_json,
    print_line,
    print_table,
    printable,
)
from pipeline_engine.cli.states import state

if TYPE_CHECKING:
    from pipeline_engine.client import Client


@click.group()
def pipelines() -> None:
    """Store, list, show, archive and delete pipelines."""


@pipelines.command(epilog=example("pipeline-engine pipelines apply release.json"))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@connected
def apply(client: Client, file: Path, as_json: bool) -> None:
    """Store a pipeline: a new one, or the next revision of the one with its name."""
    stored = client.store(read_document(file))
    if as_json:
        print_json(stored)
    else:
        click.echo(f"{printable(stored['name'])} is revision {stored['revision']}, {stored['id']}")


@pipelines.command("list", epilog=example("pipeline-engine pipelines list"))
@json_option
@connected
def list_pipelines(client: Client, as_json: bool) -> None:
    """List the stored pipelines, newest first."""
    found = client.pipelines()
    if as_json:
        print_json(found)
        return
    rows = (
        (p["id"], p["revision"], p["step_count"], age(p["updated_at"]), _called(p)) for p in found
    )
    print_table("id", "revision", "steps", "changed", "pipeline", rows=rows)


@pipelines.command(epilog=example("pipeline-engine pipelines show release"))
@click.argument("pipeline", shell_complete=completion.pipelines)
@json_option
@connected
def show(client: Client, pipeline: str, as_json: bool) -> None:
    """Show a pipeline, by its name or id: its parameters and its steps."""
    stored = client.find_pipeline(pipeline)
    if as_json:
        print_json(stored)
        return
    name, revision = printable(stored["name"]), f"revision {stored['revision']}"
    print_line(name, "", state(stored["status"]), "", revision, "", stored["id"])
    click.echo()
    definition = stored["dag"]
    parameters = (
        (p["name"], p.get("type") or "string", printable(p.get("description") or ""))
        for p in definition.get("parameters") or ()
    )
    print_table("parameter", "type", "", rows=parameters)
    click.echo()
    rows = _steps(definition, stored.get("action_versions") or {})
    print_table("step", "action", "version", "after", rows=rows)


@pipelines.command(epilog=example("pipeline-engine pipelines delete release --yes"))
@click.argument("pipeline", shell_complete=completion.pipelines)
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@connected
def delete(client: Client, pipeline: str, yes: bool, as_json: bool) -> None:
    """Delete a pipeline, by its name or id; its executions stay."""
    stored = client.find_pipeline(pipeline)
    if not yes:
        click.confirm(f"Delete {printable(stored['name'])} ({stored['id']})?", abort=True)
    client.delete_pipeline(stored["id"])
    if as_json:
        print_json(stored)
    else:
        click.echo("deleted")


@pipelines.command(epilog=example("pipeline-engine pipelines archive release"))
@click.argument("pipeline", shell_complete=completion.pipelines)
@json_option
@connected
def archive(client: Client, pipeline: str, as_json: bool) -> None:
    """Keep a pipeline for its history: what starts it is disabled, and what runs goes on."""
    stored = client.archive_pipeline(client.find_pipeline(pipeline)["id"])
    if as_json:
        print_json(stored)
    else:
        click.echo(f"{printable(stored['name'])} is archived")


@pipelines.command(epilog=example("pipeline-engine pipelines restore release"))
@click.argument("pipeline", shell_complete=completion.pipelines)
@json_option
@connected
def restore(client: Client, pipeline: str, as_json: bool) -> None:
    """Let an archived pipeline be started again; what used to start it stays disabled."""
    stored = client.restore_pipeline(client.find_pipeline(pipeline)["id"])
    if as_json:
        print_json(stored)
    else:
        click.echo(f"{printable(stored['name'])} can be started again")


def _called(stored: dict[str, Any]) -> str:
    """Its name, and what it is if it is no pipeline that can be started."""
    status = stored["status"].lower()
    return str(stored["name"]) if status == "active" else f"{stored['name']} ({status})"


def _steps(
    holder: dict[str, Any], versions: dict[str, str], indent: str = ""
) -> Iterator[tuple[str, str, str, str]]:
    """The steps of a definition, or of a block, those inside of blocks further to the right."""
    for step in holder.get("steps") or ():
        action = step.get("action") or "block"
        after = ", ".join(_dependencies(step))
        yield indent + step["id"], action, versions.get(action, ""), after
        yield from _steps(step, versions, indent + "  ")


def _dependencies(step: dict[str, object]) -> list[str]:
    given = step.get("depends_on") or []
    return list(map(str, given)) if isinstance(given, list) else [str(given)]
