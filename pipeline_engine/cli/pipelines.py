"""``pipeline-engine pipelines``: the stored definitions."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline_engine.cli.connection import connected
from pipeline_engine.cli.documents import read_document
from pipeline_engine.cli.naming import stored_pipeline
from pipeline_engine.cli.output import json_option, print_json, print_table, printable, when
from pipeline_engine.client import Client


@click.group()
def pipelines() -> None:
    """Store, list, show and delete pipelines."""


@pipelines.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@connected
def apply(client: Client, file: Path, as_json: bool) -> None:
    r"""Store a pipeline: a new one, or the next revision of the one with its name.

    \b
    pipeline-engine pipelines apply release.json
    """
    stored = client.store(read_document(file))
    if as_json:
        print_json(stored)
    else:
        click.echo(f"{printable(stored['name'])} is revision {stored['revision']}, {stored['id']}")


@pipelines.command("list")
@json_option
@connected
def list_pipelines(client: Client, as_json: bool) -> None:
    r"""List the stored pipelines, newest first.

    \b
    pipeline-engine pipelines list
    """
    found = client.pipelines()
    if as_json:
        print_json(found)
        return
    rows = (
        (p["id"], p["name"], str(p["revision"]), str(p["step_count"]), when(p["updated_at"]))
        for p in found
    )
    print_table("id", "pipeline", "revision", "steps", "changed", rows=rows)


@pipelines.command()
@click.argument("pipeline")
@json_option
@connected
def show(client: Client, pipeline: str, as_json: bool) -> None:
    r"""Show a pipeline, by its name or id: its parameters and its steps.

    \b
    pipeline-engine pipelines show release --json
    """
    stored = client.pipeline(stored_pipeline(client, pipeline)["id"])
    if as_json:
        print_json(stored)
        return
    click.echo(f"{printable(stored['name'])}  revision {stored['revision']}  {stored['id']}\n")
    definition = stored["dag"]
    parameters = (
        (p["name"], p.get("type") or "string", printable(p.get("description") or ""))
        for p in definition.get("parameters") or ()
    )
    print_table("parameter", "type", "", rows=parameters)
    click.echo()
    steps = (
        (step["id"], step["action"], ", ".join(_dependencies(step)))
        for step in definition.get("steps") or ()
    )
    print_table("step", "action", "after", rows=steps)


@pipelines.command()
@click.argument("pipeline")
@click.option("--yes", is_flag=True, help="Do not ask.")
@connected
def delete(client: Client, pipeline: str, yes: bool) -> None:
    r"""Delete a pipeline, by its name or id; its executions stay.

    \b
    pipeline-engine pipelines delete release --yes
    """
    stored = stored_pipeline(client, pipeline)
    if not yes:
        click.confirm(f"Delete {printable(stored['name'])} ({stored['id']})?", abort=True)
    client.delete_pipeline(stored["id"])
    click.echo("deleted")


def _dependencies(step: dict[str, object]) -> list[str]:
    given = step.get("depends_on") or []
    return list(map(str, given)) if isinstance(given, list) else [str(given)]
