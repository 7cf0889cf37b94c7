"""``pipeline-engine actions create | versions | delete``: actions that are data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline_engine.cli import completion
from pipeline_engine.cli.connection import connected
from pipeline_engine.cli.documents import read_document
from pipeline_engine.cli.group import example
from pipeline_engine.cli.output import age, json_option, print_json, print_table, printable

if TYPE_CHECKING:
    from pipeline_engine.client import Client


@click.command("create", epilog=example("pipeline-engine actions create notify.json"))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Add a version of one that is stored already.")
@json_option
@connected
def create_action(client: Client, file: Path, replace: bool, as_json: bool) -> None:
    """Store an action that is data: a template over another one, or a composite of several."""
    definition, calls = read_document(file), client.stored_actions
    stored = calls.replace(definition) if replace else calls.create(definition)
    if as_json:
        print_json(stored)
    else:
        click.echo(f"{printable(stored['type'])} is version {stored['version']}")


@click.command("versions", epilog=example("pipeline-engine actions versions notify"))
@click.argument("name", shell_complete=completion.actions)
@json_option
@connected
def action_versions(client: Client, name: str, as_json: bool) -> None:
    """List the versions of a stored action; with --json their definitions, too."""
    found = client.stored_actions.versions(name)
    if as_json:
        print_json(found)
        return
    rows = ((one["version"], age(one["createdAt"]), one["createdBy"]) for one in found)
    print_table("version", "stored", "by", rows=rows)


@click.command("delete", epilog=example("pipeline-engine actions delete notify --yes"))
@click.argument("name", shell_complete=completion.actions)
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@connected
def delete_action(client: Client, name: str, yes: bool, as_json: bool) -> None:
    """Delete a stored action; pipelines that use it keep what they were saved with."""
    stored = client.action(name)
    if not yes:
        click.confirm(f"Delete {printable(name)}?", abort=True)
    client.stored_actions.delete(name)
    if as_json:
        print_json(stored)
    else:
        click.echo("deleted")
