"""``pipeline-engine subscriptions``: who is told of what happens, and what became of it."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from pipeline_engine.cli import completion
from pipeline_engine.cli.connection import connected
from pipeline_engine.cli.group import example
from pipeline_engine.cli.naming import execution_id
from pipeline_engine.cli.output import (
    age,
    json_option,
    print_json,
    print_line,
    print_table,
    printable,
    when,
)

if TYPE_CHECKING:
    from pipeline_engine.client import Client

SPAN = re.compile(r"(\d{1,5})(m|h|d)", re.ASCII)
SECONDS = {"m": 60, "h": 3600, "d": 86_400}
TEST_SECONDS = 30.0  #: a worker has so long to try it
LOOK_SECONDS = 0.2


@click.group()
def subscriptions() -> None:
    """Say who is told of what happens: URLs, Redis, Dapr."""


def _span(ctx: click.Context, param: click.Parameter, text: str | None) -> timedelta | None:  # noqa: ARG001  (click's)
    if text is None:
        return None
    found = SPAN.fullmatch(text)
    if not found:
        raise click.BadParameter("say it as 30m, 12h or 7d")
    return timedelta(seconds=int(found[1]) * SECONDS[found[2]])


named = click.argument("subscription", shell_complete=completion.subscriptions)


@subscriptions.command(
    epilog=example(
        "pipeline-engine subscriptions create https://hooks.example.org/in --pipeline release",
        "pipeline-engine subscriptions create --stream audit --event workflow_failed",
    )
)
@click.argument("address", metavar="[URL]", required=False)
@click.option("--channel", help="A channel of Redis, in place of a URL.")
@click.option("--stream", help="A stream of Redis, in place of a URL.")
@click.option("--topic", help="A topic of Dapr, in place of a URL.")
@click.option("--max-length", type=click.IntRange(1), help="Entries that the stream keeps.")
@click.option("--name", help="What to call it.")
@click.option("--pipeline", shell_complete=completion.pipelines, help="Of this one only.")
@click.option("--execution", shell_complete=completion.executions, help="Of this one only.")
@click.option("--event", "events", multiple=True, help="A kind of event; all, unless said.")
@click.option("--no-events", is_flag=True, help="Only what names it, such as notify of a step.")
@click.option("--format", "form", type=click.Choice(["event", "reference"]), default="event")
@click.option("--expires-in", callback=_span, help="30m, 12h or 7d.  [default: never]")
@json_option
@connected
def create(
    client: Client,
    /,
    execution: str | None,
    events: tuple[str, ...],
    expires_in: timedelta | None,
    as_json: bool,
    **wanted: Any,
) -> None:
    """Subscribe a URL, and print its secret once; or a channel, a stream or a topic."""
    body: dict[str, Any] = {"target": _target(wanted), "format": wanted["form"]}
    body |= {"name": wanted["name"]} if wanted["name"] else {}
    body |= {"pipeline_id": wanted["pipeline"]} if wanted["pipeline"] else {}
    body |= {"execution_id": execution_id(client, execution)} if execution else {}
    body |= {"event_types": list(events)} if events or wanted["no_events"] else {}
    if expires_in:
        body["expires_at"] = (datetime.now(UTC) + expires_in).isoformat()
    made = client.subscriptions.create(body)
    if as_json:
        print_json(made)
        return
    if made["secret"]:
        click.echo(made["secret"])
    kept = " Nobody can read its secret again: keep it now." if made["secret"] else ""
    click.echo(f"Subscription {made['id']} goes to {_where(made)}.{kept}", err=True)


def _events(one: dict[str, Any]) -> str:
    if one["event_types"] is None:
        return "all events"
    return ", ".join(one["event_types"]) or "no events but what names it"


def _target(wanted: dict[str, Any]) -> dict[str, Any]:
    wanted["url"] = wanted["address"]
    kinds = {"url": "http", "channel": "redis_channel", "stream": "redis_stream", "topic": "dapr"}
    given = [word for word in kinds if wanted[word]]
    if len(given) != 1:
        raise click.UsageError("Say where to: a URL, --channel, --stream or --topic.")
    word = given[0]
    length = {"max_length": wanted["max_length"]} if wanted["max_length"] else {}
    return {"type": kinds[word], word: wanted[word], **length}


@subscriptions.command("list", epilog=example("pipeline-engine subscriptions list --status failed"))
@click.option("--status", type=click.Choice(["active", "paused", "expired", "failed"]))
@json_option
@connected
def list_subscriptions(client: Client, status: str | None, as_json: bool) -> None:
    """List subscriptions, newest first: where they go, and how they stand."""
    found = client.subscriptions.listed(**({"status": status} if status else {}))
    if as_json:
        print_json(found)
        return
    rows = (
        (
            printable(one["name"] or one["id"]),
            _status(one),
            one["waiting"],
            one["dead"],
            age(one["last_sent_at"]),
            _where(one),
            _reach(one),
        )
        for one in found
    )
    columns = ("subscription", "status", "waiting", "dead", "sent", "to", "of")
    print_table(*columns, rows=rows)


@subscriptions.command(epilog=example("pipeline-engine subscriptions show everything"))
@named
@json_option
@connected
def show(client: Client, subscription: str, as_json: bool) -> None:
    """Show a subscription: what it is told, where, and what has gone wrong."""
    one = client.subscriptions.find(subscription)
    if as_json:
        print_json(one)
        return
    print_line(f"{printable(one['name'] or one['id'])}  {_status(one)}")
    print_line(f"id: {one['id']}")
    print_line(f"to: {_where(one)}, as {one['format']}")
    print_line(f"of: {_reach(one)}, {_events(one)}")
    print_line(f"messages: {one['waiting']} waiting, {one['dead']} dead")
    print_line(f"last sent: {when(one['last_sent_at'])}")
    if one["last_error"]:
        print_line(f"last failure: {when(one['last_failed_at'])}, {printable(one['last_error'])}")
    if one["next_try_at"]:
        print_line(f"next try: {when(one['next_try_at'])}")
    if one["expires_at"]:
        print_line(f"expires: {when(one['expires_at'])}")


@subscriptions.command(epilog=example("pipeline-engine subscriptions pause everything"))
@named
@json_option
@connected
def pause(client: Client, subscription: str, as_json: bool) -> None:
    """Send nothing until it is resumed; nothing is lost meanwhile."""
    _say(client.subscriptions.pause(_id(client, subscription)), as_json=as_json)


@subscriptions.command(epilog=example("pipeline-engine subscriptions resume everything"))
@named
@json_option
@connected
def resume(client: Client, subscription: str, as_json: bool) -> None:
    """Go on where it was, in order; also after its receiver was given up."""
    _say(client.subscriptions.resume(_id(client, subscription)), as_json=as_json)


@subscriptions.command(
    "rotate-secret",
    epilog=example("pipeline-engine subscriptions rotate-secret everything --overlap 24h"),
)
@named
@click.option(
    "--overlap",
    callback=_span,
    default="24h",
    show_default=True,
    help="So long the secret before signs, too: 30m, 12h or 7d at most.",
)
@json_option
@connected
def rotate_secret(client: Client, subscription: str, overlap: timedelta, as_json: bool) -> None:
    """Make a new secret, and print it once."""
    seconds = int(overlap.total_seconds())
    made = client.subscriptions.rotate_secret(_id(client, subscription), overlap_seconds=seconds)
    if as_json:
        print_json(made)
        return
    click.echo(made["secret"])
    until = when(made["old_secret_until"])
    click.echo(f"The secret before is good until {until}. Keep the new one now.", err=True)


@subscriptions.command(epilog=example("pipeline-engine subscriptions test everything"))
@named
@json_option
@connected
def test(client: Client, subscription: str, as_json: bool) -> None:
    """Send a test, and say what came of it; it counts for nothing."""
    found = _id(client, subscription)
    sent = client.subscriptions.test(found)
    gives_up_at = time.monotonic() + TEST_SECONDS
    while sent["status"] == "waiting" and time.monotonic() < gives_up_at:
        time.sleep(LOOK_SECONDS)
        sent = client.subscriptions.message(found, sent["id"])
    if as_json:
        print_json(sent)
    elif sent["status"] == "sent":
        click.echo(f"sent in {sent['tries'][-1]['seconds']} s")
    else:
        click.echo("not sent: " + printable(sent["note"] or "no worker has tried it yet"))
    if sent["status"] != "sent":
        raise SystemExit(1)


@subscriptions.command(
    epilog=example("pipeline-engine subscriptions messages everything --status dead")
)
@named
@click.option("--status", type=click.Choice(["waiting", "sent", "dead"]))
@json_option
@connected
def messages(client: Client, subscription: str, status: str | None, as_json: bool) -> None:
    """List messages: those that wait or are dead, and the last that were sent."""
    filters = {"status": status} if status else {}
    found = client.subscriptions.messages(_id(client, subscription), **filters)
    if as_json:
        print_json(found)
        return
    rows = (
        (
            one["id"],
            one["event_type"],
            one["status"],
            one["attempts"],
            age(one["settled_at"] or one["created_at"]),
            _last_error(one),
        )
        for one in found
    )
    print_table("message", "event", "status", "failed", "when", "last failure", rows=rows)


@subscriptions.command(
    epilog=example(
        "pipeline-engine subscriptions replay everything --since 2026-01-31T10:00:00Z",
        "pipeline-engine subscriptions replay everything --message msg_01a2_903",
    )
)
@named
@click.option("--message", help="Send this one again.")
@click.option("--since", help="Send again all that has happened since this moment.")
@click.option("--position", help="Send again all from the position of a message on.")
@json_option
@connected
def replay(client: Client, /, subscription: str, as_json: bool, **wanted: str | None) -> None:
    """Send again one message, or all from a moment on, under the ids that they had."""
    given = {name: value for name, value in wanted.items() if value}
    if len(given) != 1:
        raise click.UsageError("Say what: --message, --since or --position.")
    found = _id(client, subscription)
    if message := given.get("message"):
        answer = client.subscriptions.replay_message(found, message)
    else:
        answer = client.subscriptions.replay(found, **given)
    if as_json:
        print_json(answer)
    elif not message and answer["position"] is None:
        click.echo("nothing has happened since then")
    else:
        click.echo("about to be sent again")


@subscriptions.command(epilog=example("pipeline-engine subscriptions delete everything --yes"))
@named
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@connected
def delete(client: Client, subscription: str, yes: bool, as_json: bool) -> None:
    """Delete a subscription with its messages: nothing is sent any more."""
    one = client.subscriptions.find(subscription)
    if not yes:
        waiting = f" {one['waiting']} message(s) wait." if one["waiting"] else ""
        click.confirm(f"Delete the subscription to {_where(one)}?{waiting}", abort=True)
    client.subscriptions.delete(one["id"])
    if as_json:
        print_json({"id": one["id"]})
    else:
        click.echo("deleted")


def _id(client: Client, name_or_id: str) -> str:
    return str(client.subscriptions.find(name_or_id)["id"])


def _say(one: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(one)
    else:
        print_line(f"{printable(one['name'] or one['id'])} is {_status(one)}")


def _status(one: dict[str, Any]) -> str:
    return f"{one['status']} ({one['reason']})" if one["reason"] else str(one["status"])


def _reach(one: dict[str, Any]) -> str:
    if one["reach"] == "owner":
        return "all executions"
    return f"{one['reach']} {one[one['reach'] + '_id']}"


def _where(one: dict[str, Any]) -> str:
    target = one["target"]
    word = next(word for word in ("url", "key", "topic") if word in target)
    return printable(target[word])


def _last_error(one: dict[str, Any]) -> str:
    errors = [tried["error"] for tried in one["tries"] if tried["error"]]
    return printable(errors[-1]) if errors else "-"
