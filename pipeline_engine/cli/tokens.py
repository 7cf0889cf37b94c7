"""``pipeline-engine tokens``: what programs get instead of everything."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from pipeline_engine.cli.connection import connected
from pipeline_engine.cli.group import example
from pipeline_engine.cli.output import age, json_option, print_json, print_table, printable

if TYPE_CHECKING:
    from pipeline_engine.client import Client

LIFETIME = re.compile(r"(\d{1,5})(h|d|w)", re.ASCII)
HOURS = {"h": 1, "d": 24, "w": 168}


@click.group()
def tokens() -> None:
    """Make, list and revoke API tokens."""


def _lifetime(ctx: click.Context, param: click.Parameter, text: str | None) -> timedelta | None:  # noqa: ARG001  (click's)
    if text is None:
        return None
    found = LIFETIME.fullmatch(text)
    if not found or not int(found[1]):
        raise click.BadParameter("say it as 12h, 30d or 8w")
    return timedelta(hours=int(found[1]) * HOURS[found[2]])


@tokens.command(
    epilog=example(
        "pipeline-engine tokens create dashboard --role viewer",
        "pipeline-engine tokens create ci --scope executions:run --pipeline release",
    )
)
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, help="A right such as executions:read.")
@click.option("--role", "roles", multiple=True, help="All rights of a role such as viewer.")
@click.option("--pipeline", "pipelines", multiple=True, help="Bind it to this one, by name or id.")
@click.option("--owner", help="The user or group that it acts for; services only.")
@click.option("--expires-in", callback=_lifetime, help="12h, 30d or 8w.  [default: 90d]")
@click.option("--never-expires", is_flag=True, help="Let it be good for ever.")
@json_option
@connected
def create(
    client: Client,
    /,
    name: str,
    expires_in: timedelta | None,
    owner: str | None,
    as_json: bool,
    **wanted: Any,
) -> None:
    """Make a token with some of one's own rights, and print it once."""
    if owner:
        wanted["user_id"] = owner
    if expires_in:
        wanted["expires_at"] = (datetime.now(UTC) + expires_in).isoformat()
    made = client.create_token(name, **wanted)
    if as_json:
        print_json(made)
        return
    until = f"until {made['expires_at'][:10]}" if made["expires_at"] else "for ever"
    click.echo(made["token"])
    click.echo(
        f"Token {made['id']} is good {until}. Nobody can read it again: keep it now.", err=True
    )


@tokens.command("list", epilog=example("pipeline-engine tokens list"))
@click.option("--all", "include_revoked", is_flag=True, help="Also those that were revoked.")
@json_option
@connected
def list_tokens(client: Client, include_revoked: bool, as_json: bool) -> None:
    """List tokens, newest first; their texts are known to nobody."""
    found = client.tokens(include_revoked=include_revoked)
    if as_json:
        print_json(found)
        return
    rows = (
        (
            token["id"],
            token["user_id"] or "the system",
            _ends(token),
            age(token["last_used_at"]),
            printable(token["name"]),
            _may(token),
        )
        for token in found
    )
    print_table("id", "acts for", "expires", "used", "name", "may", rows=rows)


@tokens.command(epilog=example("pipeline-engine tokens revoke k3v9d2m7q1xa"))
@click.argument("token_id")
@json_option
@connected
def revoke(client: Client, token_id: str, as_json: bool) -> None:
    """Revoke a token: the next request with it is refused."""
    client.revoke_token(token_id)
    if as_json:
        print_json({"id": token_id})
    else:
        click.echo(f"Token {token_id} is revoked.")


def _ends(token: dict[str, Any]) -> str:
    if token["revoked_at"]:
        return "revoked"
    return str(token["expires_at"] or "never")[:10]


def _may(token: dict[str, Any]) -> str:
    bound = token["pipelines"]
    only = "" if bound is None else f" of {len(bound)} pipeline{'s' * (len(bound) != 1)}"
    return ", ".join(token["scopes"]) + only
