"""``pipeline-engine secrets``: what steps are given and nobody is shown."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from pipeline_engine.cli import completion
from pipeline_engine.cli.connection import connected
from pipeline_engine.cli.group import example
from pipeline_engine.cli.output import (
    age,
    json_option,
    print_json,
    print_line,
    print_table,
    printable,
)

if TYPE_CHECKING:
    from pipeline_engine.client import Client

NAMED_USERS = 3  #: pipelines that a line names, at most


@click.group()
def secrets() -> None:
    """Store what steps are given and nobody is shown.

    A step says {{ secrets.NAME }}. No command shows a value again.
    """


@secrets.command(
    "set",
    epilog=example(
        "pipeline-engine secrets set git_token",
        "pipeline-engine secrets set git_token < token.txt",
    ),
)
@click.argument("name", shell_complete=completion.secrets)
@click.argument("more", nargs=-1, metavar="")
@click.option("--description", help="What it is for; anybody who may list secrets reads it.")
@click.option("--keep-value", is_flag=True, help="Change the description only.")
@json_option
@connected
def set_secret(
    client: Client,
    name: str,
    more: tuple[str, ...],
    description: str | None,
    keep_value: bool,
    as_json: bool,
) -> None:
    """Set a secret: a new one, or the next version of one.

    The value is asked for, or read from standard input; a line end behind a single line is no
    part of it. It is never taken from the command line, which other processes can see.
    """
    if more:  # whatever it is, it is not repeated on the screen
        raise click.UsageError(
            "The value is not an argument: pipe it in, or leave it out and be asked for it."
        )
    change = {} if keep_value else {"value": _value()}
    change |= {} if description is None else {"description": description}
    stored = client.set_secret(name, **change)
    if as_json:
        print_json(stored)
    else:
        click.echo(f"{printable(stored['name'])} is version {stored['version']}")


@secrets.command("list", epilog=example("pipeline-engine secrets list"))
@json_option
@connected
def list_secrets(client: Client, as_json: bool) -> None:
    """List the secrets, by name: when each was changed and used, and by which pipelines."""
    found = client.secrets()
    if as_json:
        print_json(found)
        return
    rows = (
        (one["name"], one["version"], age(one["updated_at"]), age(one["last_used_at"]), _users(one))
        for one in found
    )
    print_table("secret", "version", "changed", "used", "pipelines", rows=rows)


@secrets.command(epilog=example("pipeline-engine secrets show git_token"))
@click.argument("name", shell_complete=completion.secrets)
@json_option
@connected
def show(client: Client, name: str, as_json: bool) -> None:
    """Show a secret: its versions, who has set them, which pipelines need it."""
    stored = client.secret(name)
    if as_json:
        print_json(stored)
        return
    print_line(f"{printable(stored['name'])}  version {stored['version']}")
    if stored["description"]:
        print_line(stored["description"])
    print_line(f"pipelines: {_users(stored, most=None)}")
    click.echo()
    rows = (
        (
            f"{one['version']}{' *' if one['version'] == stored['version'] else ''}",
            age(one["created_at"]),
            age(one["last_used_at"]),
            one["created_by"],
        )
        for one in stored["versions"]
    )
    print_table("version", "set", "used", "by", rows=rows)


@secrets.command(epilog=example("pipeline-engine secrets restore git_token 3"))
@click.argument("name", shell_complete=completion.secrets)
@click.argument("version", type=click.IntRange(min=1))
@json_option
@connected
def restore(client: Client, name: str, version: int, as_json: bool) -> None:
    """Let an older version count again; nobody has to know its value."""
    stored = client.restore_secret(name, version)
    if as_json:
        print_json(stored)
    else:
        click.echo(f"{printable(stored['name'])} is version {stored['version']}")


@secrets.command(epilog=example("pipeline-engine secrets delete git_token --yes"))
@click.argument("name", shell_complete=completion.secrets)
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@connected
def delete(client: Client, name: str, yes: bool, as_json: bool) -> None:
    """Delete a secret with all its values; steps that need it fail from then on."""
    if not yes:
        stored = client.secret(name)
        needed = f" Pipelines that need it: {_users(stored)}." if stored["used_by"] else ""
        click.confirm(f"Delete {printable(stored['name'])}?{needed}", abort=True)
    deleted = client.delete_secret(name)
    if as_json:
        print_json(deleted)
        return
    click.echo("deleted")
    if deleted["used_by"]:
        print_line(f"These pipelines still speak of it: {_users(deleted, most=None)}")


def _value() -> str:
    if sys.stdin.isatty():
        value: str = click.prompt("Value", hide_input=True, confirmation_prompt=True)
        return value
    given = sys.stdin.read()
    line = given.removesuffix("\n").removesuffix("\r")
    return given if "\n" in line else line


def _users(stored: dict[str, Any], *, most: int | None = NAMED_USERS) -> str:
    named = [printable(one["name"]) for one in stored["used_by"][:most]]
    others = stored["used_by_count"] - len(named)
    return ", ".join([*named, f"and {others} more"] if others else named) or "-"
