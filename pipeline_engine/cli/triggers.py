"""``pipeline-engine triggers``: which events start which pipelines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pipeline_engine.cli import completion
from pipeline_engine.cli.connection import connected
from pipeline_engine.cli.documents import read_value
from pipeline_engine.cli.group import example
from pipeline_engine.cli.naming import Pair
from pipeline_engine.cli.output import (
    age,
    json_option,
    print_facts,
    print_json,
    print_line,
    print_table,
)
from pipeline_engine.cli.params import changed_params, given_params

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline_engine.client import Client

#: What a configuration says in one word each.
SAID = ("condition", "dedupe_key", "dedupe_seconds", "quiet_seconds", "max_wait_seconds")


@click.group()
def triggers() -> None:
    """Let events start pipelines.

    A trigger is named by its id, or by its name if no other has it.
    """


def _options(command: Callable[..., None]) -> Callable[..., None]:
    """What a trigger is made of."""
    for option in reversed(
        (
            click.option("--event-type", help="The type of the events; * is every type."),
            click.option(
                "--filter", "filters", type=Pair(), multiple=True, help="PATH=VALUE; repeatable."
            ),
            click.option("--condition", help="An expression over event."),
            click.option("--dedupe-key", help="A template; events with the same value are one."),
            click.option("--dedupe-seconds", type=float, help="For so long after a firing."),
            click.option("--quiet-seconds", type=float, help="Fire when none came for so long."),
            click.option("--max-wait-seconds", type=float, help="Fire after that at the latest."),
            click.option(
                "-p", "--param", "pairs", type=Pair(), multiple=True, help="One param; repeatable."
            ),
            click.option("--description", help="What it is for."),
        )
    ):
        command = option(command)
    return command


@triggers.command(
    epilog=example(
        "pipeline-engine triggers create on-push deploy --event-type git.push"
        " --filter ref=refs/heads/main"
    )
)
@click.argument("name")
@click.argument("pipeline", shell_complete=completion.pipelines)
@_options
@click.option("--disabled", is_flag=True, help="Do not let it start anything yet.")
@json_option
@connected
def create(
    client: Client, /, name: str, pipeline: str, disabled: bool, as_json: bool, **said: Any
) -> None:
    """Start PIPELINE for each event of a type; the execution gets it as the param event."""
    if not said["event_type"]:
        raise click.UsageError("Say which events: --event-type TYPE.")
    wanted = client.find_pipeline(pipeline)
    body = {"name": name, "pipeline_id": wanted["id"], "enabled": not disabled}
    if said["pairs"]:
        body["params"] = given_params(said["pairs"], None, wanted["dag"])
    _tell(client.create_event_trigger(**body, **_wanted(said)), as_json=as_json)


@triggers.command(epilog=example("pipeline-engine triggers change on-push --quiet-seconds 30"))
@click.argument("trigger", shell_complete=completion.triggers)
@click.option("--name", help="What it is called from now on.")
@click.option("--pipeline", shell_complete=completion.pipelines, help="What it starts.")
@_options
@json_option
@connected
def change(
    client: Client,
    /,
    trigger: str,
    name: str | None,
    pipeline: str | None,
    as_json: bool,
    **said: Any,
) -> None:
    """Change what is given; the rest stays. A trigger has the rights of who changed it last."""
    body = _wanted(said)
    if name:
        body["name"] = name
    starts = client.find_pipeline(pipeline) if pipeline else None
    if starts:
        body["pipeline_id"] = starts["id"]
    found = client.find_event_trigger(trigger)
    if said["pairs"]:
        body["params"] = changed_params(client, found, said["pairs"], starts)
    _tell(client.change_event_trigger(found["id"], **body), as_json=as_json)


@triggers.command("list", epilog=example("pipeline-engine triggers list"))
@json_option
@connected
def list_triggers(client: Client, as_json: bool) -> None:
    """List event triggers, newest first: what each has started, and when."""
    found = client.event_triggers()
    if as_json:
        print_json(found)
        return
    rows = (
        (
            one["id"],
            one["name"],
            one["config"]["event_type"],
            one["pipeline_name"] or "-",
            _state(one),
            one["trigger_count"],
            age(one["last_triggered_at"]),
        )
        for one in found
    )
    print_table("id", "trigger", "event", "pipeline", "state", "started", "last", rows=rows)


@triggers.command(epilog=example("pipeline-engine triggers show on-push"))
@click.argument("trigger", shell_complete=completion.triggers)
@json_option
@connected
def show(client: Client, trigger: str, as_json: bool) -> None:
    """Show a trigger: which events it takes, and what it gives to what it starts."""
    found = client.find_event_trigger(trigger)
    if as_json:
        print_json(found)
        return
    config = found["config"]
    print_line(f"{found['name']}  {_state(found)}  {found['id']}")
    print_line(f"{config['event_type']} starts {found['pipeline_name'] or 'nothing any more'}")
    rows = [(f"filter {path}", value) for path, value in config["filters"].items()]
    rows += [(name, config[name]) for name in SAID if config[name] is not None]
    rows += [(f"param {name}", value) for name, value in found["params"].items()]
    click.echo()
    print_facts(rows)


@triggers.command(epilog=example("pipeline-engine triggers enable on-push"))
@click.argument("trigger", shell_complete=completion.triggers)
@json_option
@connected
def enable(client: Client, trigger: str, as_json: bool) -> None:
    """Let a trigger start something for what comes from now on."""
    found = client.find_event_trigger(trigger)
    _tell(client.change_event_trigger(found["id"], enabled=True), as_json=as_json)


@triggers.command(epilog=example("pipeline-engine triggers disable on-push"))
@click.argument("trigger", shell_complete=completion.triggers)
@json_option
@connected
def disable(client: Client, trigger: str, as_json: bool) -> None:
    """Let a trigger start nothing until it is enabled again; what comes is not made up for."""
    found = client.find_event_trigger(trigger)
    _tell(client.change_event_trigger(found["id"], enabled=False), as_json=as_json)


@triggers.command(epilog=example("pipeline-engine triggers types"))
@json_option
@connected
def types(client: Client, as_json: bool) -> None:
    """List the types of events that the peers are known to send; any other is allowed."""
    found = client.event_types()
    if as_json:
        print_json(found)
        return
    rows = ((one["type"], one["source"], one["description"]) for one in found)
    print_table("event", "from", "", rows=rows)


@triggers.command(epilog=example("pipeline-engine triggers firings on-push --outcome failed"))
@click.argument("trigger", shell_complete=completion.triggers)
@click.option("--outcome", help="Only these: fired, failed, filtered, duplicate, merged …")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True)
@json_option
@connected
def firings(client: Client, trigger: str, outcome: str | None, limit: int, as_json: bool) -> None:
    """List what became of the last events that a trigger was offered."""
    found = client.find_event_trigger(trigger)
    wanted = {"page_size": limit, **({"outcome": outcome} if outcome else {})}
    page = client.firings(found["id"], **wanted)
    if as_json:
        print_json(page)
        return
    rows = (
        (
            one["delivery_id"],
            age(one["received_at"]),
            one["event_type"],
            one["outcome"],
            one["execution_id"] or one["reason"] or "-",
        )
        for one in page["firings"]
    )
    print_table("delivery", "came", "event", "outcome", "execution, or why not", rows=rows)


@triggers.command(epilog=example("pipeline-engine triggers delete on-push --yes"))
@click.argument("trigger", shell_complete=completion.triggers)
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@connected
def delete(client: Client, trigger: str, yes: bool, as_json: bool) -> None:
    """Delete a trigger; what it has started goes on."""
    found = client.find_event_trigger(trigger)
    if not yes:
        click.confirm(f"Delete {found['name']!r} ({found['id']})?", abort=True)
    client.delete_event_trigger(found["id"])
    if as_json:
        print_json(found)
    else:
        click.echo("deleted")


def _wanted(said: dict[str, Any]) -> dict[str, Any]:
    """The body of a request: only what was said."""
    body: dict[str, Any] = {}
    config = {name: said[name] for name in ("event_type", *SAID) if said[name] is not None}
    if said["filters"]:
        config["filters"] = {path: read_value(word) for path, word in said["filters"]}
    if config:
        body["config"] = config
    if said["description"] is not None:
        body["description"] = said["description"]
    return body


def _tell(stored: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(stored)
    else:
        print_line(f"{stored['name']} is {_state(stored)}, {stored['id']}")


def _state(one: dict[str, Any]) -> str:
    if one["enabled"]:
        return "enabled"
    return f"disabled ({one['disabled_reason']})" if one["disabled_reason"] else "disabled"
