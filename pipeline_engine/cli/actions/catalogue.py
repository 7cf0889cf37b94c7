"""``pipeline-engine actions list | show``: what the API says that steps can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pipeline_engine.cli import completion
from pipeline_engine.cli.connection import connected
from pipeline_engine.cli.group import example
from pipeline_engine.cli.output import json_option, print_json, print_table, printable

if TYPE_CHECKING:
    from pipeline_engine.client import Client


@click.command("list", epilog=example("pipeline-engine actions list"))
@json_option
@connected
def list_actions(client: Client, as_json: bool) -> None:
    """List the actions, installed and stored, and the plug-ins that could not be loaded."""
    found = client.actions()
    if as_json:
        print_json(found)
        return
    rows = ((a["type"], a["version"], a["category"], _described(a)) for a in found["actions"])
    print_table("action", "version", "category", "", rows=rows)
    for broken in found.get("broken") or ():
        why = f"{broken['name']} ({broken['distribution']}): {broken['reason']}"
        click.echo(f"broken: {printable(why)}")


@click.command("show", epilog=example("pipeline-engine actions show http_request"))
@click.argument("name", shell_complete=completion.actions)
@json_option
@connected
def show_action(client: Client, name: str, as_json: bool) -> None:
    """Show an action with its params and outputs; NAME may say its version: greet@2."""
    action = client.action(name)
    if as_json:
        print_json(action)
        return
    click.echo(f"{action['type']} {action['version']}: {action['description']}")
    click.echo(f"{_origin(action)}{_others(action)}\n")
    if action["deprecated"]:
        click.echo(f"deprecated{_because(action)}\n")
    if action["requiredPermissions"]:
        click.echo(f"needs the right {', '.join(action['requiredPermissions'])}\n")
    print_table("param", "type", "", "", rows=map(_param_row, action["params"]))
    click.echo()
    outputs = ((o["name"], o["type"], o["description"] or "") for o in action["outputs"])
    print_table("output", "type", "", rows=outputs)


def _described(action: dict[str, Any]) -> str:
    sign = "(deprecated) " if action["deprecated"] else ""
    return sign + printable(action["description"])


def _origin(action: dict[str, Any]) -> str:
    stored = action.get("stored")
    if stored is None:
        return f"from {action['package']} {action['packageVersion']}"
    return f"stored by {printable(stored['updatedBy'])} for {stored['owner'] or 'the system'}"


def _others(action: dict[str, Any]) -> str:
    """The versions that there are beside the one that is shown."""
    others = [version for version in action["versions"] if version != action["version"]]
    return f", beside {', '.join(others)}" if others else ""


def _because(action: dict[str, Any]) -> str:
    why, instead = action["deprecationMessage"], action["replacedBy"]
    return (f": {printable(why)}" if why else "") + (f"; use {instead} instead" if instead else "")


def _param_row(param: dict[str, Any]) -> tuple[str, ...]:
    default = param.get("default")
    required = (
        "required" if param["required"] else f"default {default}" if default is not None else ""
    )
    return param["name"], param["type"], required, param["description"] or param["label"]
