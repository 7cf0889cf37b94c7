"""``pipeline-engine logs``: what the actions of an execution have written down."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from pipeline_engine.cli import completion
from pipeline_engine.cli.connection import connected
from pipeline_engine.cli.group import example
from pipeline_engine.cli.naming import execution_id
from pipeline_engine.cli.output import printable
from pipeline_engine.domain.paths import path_of
from pipeline_engine.domain.states import ExecutionStatus
from pipeline_engine.errors import StepNotFound

if TYPE_CHECKING:
    from pipeline_engine.client import Client
    from pipeline_engine.client.http import Json

LEVELS = ("debug", "info", "warning", "error", "critical")
#: Pause between two looks while nothing comes.
POLL_SECONDS = 0.5


@click.command(epilog=example("pipeline-engine logs @last --follow"))
@click.argument("execution", shell_complete=completion.executions)
@click.option("--follow", "-f", is_flag=True, help="Go on until the execution has ended.")
@click.option("--step", "step_id", shell_complete=completion.steps, help="Only of this step.")
@click.option("--attempt", type=click.IntRange(min=1), help="Only of this attempt.")
@click.option("--level", type=click.Choice(LEVELS), help="This one, and what is more important.")
@click.option("--tail", type=click.IntRange(1, 1000), help="Begin with so many of the last lines.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@connected
def logs(
    client: Client,
    execution: str,
    follow: bool,
    step_id: str | None,
    attempt: int | None,
    level: str | None,
    tail: int | None,
    as_json: bool,
) -> None:
    """Print what the actions of an execution have written down, oldest first.

    EXECUTION is an id, the start of one, or @last. Exit code 4 if it has no such step.
    """
    wanted = execution_id(client, execution)
    narrowed = {"step_id": step_id, "attempt": attempt, "level": level}
    filters = {name: value for name, value in narrowed.items() if value is not None}
    line = None
    for line in _lines(client, wanted, filters, tail=tail, follow=follow):
        click.echo(json.dumps(line) if as_json else _shown(line))
    if line is None and step_id is not None:
        _require_step(client, wanted, step_id)


def _require_step(client: Client, wanted: str, step_id: str) -> None:
    """Raise ``StepNotFound`` if there is none: a name that was mistyped leaves no lines, too."""
    definition = client.execution(wanted)["pipeline_definition"]["dag"]["steps"]
    if step_id in {*_ids(definition), *(step["step_id"] for step in client.steps(wanted))}:
        return
    names = ", ".join(step["id"] for step in definition)
    raise StepNotFound(f"Execution {wanted} has no step {step_id!r}; its steps are {names}.")


def _ids(found: Any) -> Iterator[str]:
    """The ids in a definition, those in blocks among them."""
    if isinstance(found, dict):
        if isinstance(found.get("id"), str):
            yield found["id"]
        found = list(found.values())
    for member in found if isinstance(found, list) else ():
        yield from _ids(member)


def _lines(
    client: Client, wanted: str, filters: dict[str, Any], *, tail: int | None, follow: bool
) -> Iterator[Json]:
    asked = filters | ({} if tail is None else {"tail": "true", "limit": tail})
    while True:
        # What is written down before an end is stored with it: asked in this order, all is there.
        has_ended = follow and ExecutionStatus(client.execution(wanted)["status"]).is_final
        page = client.logs(wanted, **asked)
        yield from page["logs"]
        asked = filters | ({"after": page["next_after"]} if page["next_after"] else {})
        if page["logs"] and tail is None:
            continue
        tail = None
        if not follow or has_ended:
            return
        time.sleep(POLL_SECONDS)


def _shown(line: Json) -> str:
    place = path_of(line["step_id"], line["item_index"], line["within"])
    again = f"#{line['attempt']}" if line["attempt"] > 1 else ""
    facts = "".join(f" {name}={_fact(value)}" for name, value in line["facts"].items())
    head = f"{line['at'][:23]} {line['level']:8} {place}{again}"
    return printable(f"{head}  {line['message']}{facts}")


def _fact(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
