"""``pipeline-engine executions | show | watch | cancel``: what runs, and what has run."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from functools import partial
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
    terminal,
    when,
)
from pipeline_engine.cli.states import standing, state
from pipeline_engine.domain.paths import attempt_of, path_of
from pipeline_engine.domain.states import ExecutionStatus, StepStatus

if TYPE_CHECKING:
    from pipeline_engine.client import Client
    from pipeline_engine.client.http import Json

FAILED, OUT_OF_TIME, STOPPED_WAITING = 1, 124, 130  #: exit codes
BAD_ENDS = frozenset({ExecutionStatus.FAILED, ExecutionStatus.INTERRUPTED})
ITEMS_FAILED = "items_failed"  #: the code of a fan-out too many items of which have failed
FAILURES = frozenset({StepStatus.FAILED, StepStatus.TIMEOUT})


@click.command(epilog=example("pipeline-engine executions --status failed"))
@click.option("--status", help="Only those that are pending, running, completed, …")
@click.option(
    "--pipeline",
    shell_complete=completion.pipelines,
    help="Only those of one pipeline, by its name or id.",
)
@click.option("--page", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--page-size", type=click.IntRange(1, 100), default=20, show_default=True)
@json_option
@connected
def executions(
    client: Client,
    status: str | None,
    pipeline: str | None,
    page: int,
    page_size: int,
    as_json: bool,
) -> None:
    """List executions, newest first."""
    filters: dict[str, Any] = {"page": page, "page_size": page_size}
    if status:
        filters["status"] = status.upper()
    if pipeline:
        filters["pipeline_id"] = client.find_pipeline(pipeline)["id"]
    found = client.executions(**filters)
    if as_json:
        print_json(found)
        return
    rows = (
        (
            one["id"],
            state(one["status"], _standing(one)),
            age(one["start_time"]),
            one["pipeline_definition"]["workflow_name"],
        )
        for one in found["executions"]
    )
    print_table("execution", "status", "started", "pipeline", rows=rows)


def _standing(execution: Json) -> str:
    """How far one is that has begun and not ended, or that it has no place yet."""
    if in_line := _in_line(execution):
        return in_line
    done = float(execution["progress_percentage"])
    return f"{done:.0f} %" if execution["status"] == ExecutionStatus.RUNNING else ""


def _in_line(execution: Json) -> str:
    return "in line" if execution.get("waits_for_place") else ""


@click.command(epilog=example("pipeline-engine show @last --items --failed"))
@click.argument("execution", shell_complete=completion.executions)
@click.option(
    "--items",
    "with_items",
    is_flag=True,
    help="The items of fan-outs, too, and all attempts of blocks.",
)
@click.option("--failed", "only_failed", is_flag=True, help="Only steps and items that failed.")
@json_option
@connected
def show(
    client: Client, execution: str, with_items: bool, only_failed: bool, as_json: bool
) -> None:
    """Show one execution: its steps, attempts, errors, outputs, what is parked until when.

    The steps of a block are set in below it, unless it has many.

    EXECUTION is an id, the start of one, or @last.
    """
    from pipeline_engine.client import tree

    wanted = execution_id(client, execution)
    found = client.execution(wanted)
    grow = tree.failed if only_failed else partial(tree.grown, with_items=False)
    grow = tree.whole if with_items else grow
    branches = [grow(client, wanted, step) for step in client.steps(wanted)]
    rows = [row for branch in branches for row in branch.walk()]
    if only_failed:
        # Each under its whole name, as what is around it may not be there.
        rows = [(0, step) for _, step in rows if step["status"] in FAILURES or _failed_items(step)]
    if as_json:
        print_json({"execution": found, "steps": [step for _, step in rows]})
        return
    print_execution(found)
    print_table("step", "action", "status", "attempt", "", rows=_step_rows(rows))


def _step_rows(rows: Iterable[tuple[int, Json]]) -> Iterator[tuple[object, ...]]:
    attempts: dict[str, str | None] = {}  #: where the steps of blocks are, by the ids of these
    for depth, step in rows:
        attempts[step["id"]] = step.get("inside")
        name = path_of(step["step_id"], step["item_index"], step.get("within"))
        if depth:  # what is around it stands above
            name = name.rpartition("/")[2]
        remarks = _remarks(step, now=attempts.get(step["parent_id"]))
        yield (
            f"{'  ' * depth}{name}",
            step["handler_type"],
            state(standing(step), _in_line(step)),
            _attempt(step),
            remarks,
        )


@click.command(epilog=example("pipeline-engine watch @last"))
@click.argument("execution", shell_complete=completion.executions)
@json_option
@connected
def watch(client: Client, execution: str, as_json: bool) -> None:
    """Show an execution until it has ended; exit code 1 if it did not end well.

    EXECUTION is an id, the start of one, or @last. Ctrl-C stops watching, not the execution.
    """
    wanted = execution_id(client, execution)
    wait_and_report(client, wanted, within=None, quiet=as_json, as_json=as_json)


@click.command(epilog=example("pipeline-engine cancel @last"))
@click.argument("execution", shell_complete=completion.executions)
@click.option("--force", is_flag=True, help="Stop handlers and compensations, too.")
@json_option
@connected
def cancel(client: Client, execution: str, force: bool, as_json: bool) -> None:
    """Ask for the end of an execution: what waits never starts, what runs is told to stop.

    EXECUTION is an id, the start of one, or @last. Asked a second time it is as with --force.
    """
    wanted = execution_id(client, execution)
    answer = client.cancel(wanted, force=force)
    if as_json:
        print_json(answer)
    else:
        click.echo(f"{wanted} is being cancelled")


def wait_and_report(
    client: Client, execution_id: str, *, within: float | None, quiet: bool, as_json: bool
) -> None:
    """Follow an execution to its end, or as long as wanted, and leave with its exit code."""
    from pipeline_engine.cli.live import Screen
    from pipeline_engine.client import follow
    from pipeline_engine.embedded.announcement import called

    deadline = None if within is None else time.monotonic() + within
    if not as_json:
        click.echo(f"execution {execution_id}")
    try:
        with Screen(terminal(stderr=as_json)) as screen:
            for snapshot in follow(client, execution_id):
                if not quiet:
                    screen.show(snapshot)
                if deadline is not None and time.monotonic() > deadline:
                    break
    except KeyboardInterrupt:
        click.echo(f"It runs on. Come back with: {called()} watch {execution_id}", err=True)
        click.get_current_context().exit(STOPPED_WAITING)
    report(client, execution_id, as_json=as_json)
    if snapshot.status in BAD_ENDS:
        _say_where_it_failed(execution_id, snapshot.error)
        click.get_current_context().exit(FAILED)
    if not snapshot.status.is_final:
        click.echo(f"It has not ended after {within:g} s; it runs on.", err=True)
        click.get_current_context().exit(OUT_OF_TIME)


def _say_where_it_failed(execution_id: str, error: Json | None) -> None:
    """Name the command that tells it, where the message only counts what failed."""
    from pipeline_engine.embedded.announcement import called

    if error is not None and error.get("code") == ITEMS_FAILED:
        click.echo(f"Which, and why: {called()} show {execution_id} --failed", err=True)


def report(client: Client, execution_id: str, *, as_json: bool) -> None:
    """Print an execution as it is now."""
    execution = client.execution(execution_id)
    if as_json:
        print_json(execution)
    else:
        print_execution(execution)


def print_execution(execution: dict[str, Any]) -> None:
    """Print an execution's state, error and outputs."""
    name = execution["pipeline_definition"]["workflow_name"]
    print_line(name, execution["id"], state(execution["status"], _in_line(execution)))
    if error := execution["error_info"]:
        lines = [f"  {error.get('message')} [{error.get('code')}]"]
        lines += [
            f"  not undone: {left['step_id']}: {left['message']} [{left['code']}]"
            for left in error.get("compensation") or ()
        ]
        for line in lines:
            print_line(line)
    for key, value in (execution["final_outputs"] or {}).items():
        print_line(f"  {key}: {_shown(value)}")


def _shown(value: Any) -> str:
    """A text as it is, anything else as JSON: what the API calls null is no None here."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _remarks(step: Json, *, now: str | None = None) -> str:
    """What is to be said of a step; where the steps of its block are *now* tells older ones."""
    remarks = (
        _older_attempt(step, now) if now else "",
        str(step.get("item_key") or ""),
        _item_counts(step),
        f"until {when(step['timeout_at'])}" if step["parked"] and step["timeout_at"] else "",
        _error(step),
        _skip_reason(step),
    )
    return "  ".join(remark for remark in remarks if remark)


def _older_attempt(step: Json, now: str) -> str:
    """In which attempt of its block a step was, if that is not the one that it is at now."""
    within = str(step.get("within"))
    if f"{within}/".startswith(f"{now}/"):
        return ""
    block = within.split("/")[now.count("/")]
    return f"in attempt {block.partition('#')[2] or 1} of the block"


def _error(step: Json) -> str:
    code = step["error_code"] or step["skip_reason"]
    coded = f" [{code}]" if code else ""
    return f"{step['error_message']}{coded}" if step["error_message"] else ""


def _skip_reason(step: Json) -> str:
    """Why a step was skipped, unless its error says so already."""
    return "" if step["error_message"] else str(step["skip_reason"] or "")


def _attempt(step: Json) -> int:
    holds_rows = bool((step.get("items") or {}).get("total"))
    return attempt_of(step["attempt"], step["retry_count"], holds_rows=holds_rows)


def _item_counts(step: Json) -> str:
    items = step.get("items") or {}
    if not items.get("total"):
        return ""
    failed = f", {items['failed']} failed" if items["failed"] else ""
    noun = "step" if step.get("inside") else "item"
    plural = "" if items["total"] == 1 else "s"
    return f"{items['total']} {noun}{plural}, {items['open']} open{failed}"


def _failed_items(step: Json) -> int:
    return int((step.get("items") or {}).get("failed") or 0)
