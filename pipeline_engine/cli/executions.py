"""``pipeline-engine executions | show | watch | cancel``: what runs, and what has run."""

from __future__ import annotations

import time
from typing import Any

import click
from rich.console import Console

from pipeline_engine.cli.connection import connected
from pipeline_engine.cli.live import Screen
from pipeline_engine.cli.output import json_option, print_json, print_table, state
from pipeline_engine.client import Client, follow
from pipeline_engine.domain.states import ExecutionStatus
from pipeline_engine.errors import PipelineNotFound

FAILED = 1
BAD_ENDS = frozenset({ExecutionStatus.FAILED, ExecutionStatus.INTERRUPTED})


@click.command()
@click.option("--status", help="Only those that are pending, running, completed, …")
@click.option("--pipeline", help="Only those of one pipeline, by its name or id.")
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
        filters["workflow_id"] = pipeline_id(client, pipeline)
    found = client.executions(**filters)
    if as_json:
        print_json(found)
        return
    rows = (
        (
            one["id"],
            one["pipeline_definition"]["workflow_name"],
            state(one["status"]),
            f"{float(one['progress_percentage']):.0f} %",
            str(one["start_time"] or "-"),
        )
        for one in found["executions"]
    )
    print_table("execution", "pipeline", "status", "progress", "started", rows=rows)


@click.command()
@click.argument("execution_id")
@json_option
@connected
def show(client: Client, execution_id: str, as_json: bool) -> None:
    """Show one execution: its steps, attempts, errors and what is parked until when."""
    execution, steps = client.execution(execution_id), client.steps(execution_id)
    if as_json:
        print_json({"execution": execution, "steps": steps})
        return
    print_execution(execution)
    rows = (
        (
            step["step_id"],
            step["handler_type"],
            state("PARKED" if step["parked"] else step["status"]),
            str(step["attempt"]),
            _remarks(step),
        )
        for step in steps
    )
    print_table("step", "action", "status", "attempt", "", rows=rows)


@click.command()
@click.argument("execution_id")
@json_option
@connected
def watch(client: Client, execution_id: str, as_json: bool) -> None:
    """Show an execution until it has ended; exit code 1 if it did not end well."""
    wait_and_report(client, execution_id, within=None, quiet=as_json, as_json=as_json)


@click.command()
@click.argument("execution_id")
@click.option("--force", is_flag=True, help="Stop handlers and compensations, too.")
@json_option
@connected
def cancel(client: Client, execution_id: str, force: bool, as_json: bool) -> None:
    """Ask for the end of an execution: what waits never starts, what runs is told to stop.

    Asked a second time it is as with --force.
    """
    answer = client.cancel(execution_id, force=force)
    if as_json:
        print_json(answer)
    else:
        click.echo(f"{execution_id} is being cancelled")


def wait_and_report(
    client: Client, execution_id: str, *, within: float | None, quiet: bool, as_json: bool
) -> None:
    """Follow an execution to its end, or as long as wanted, and leave with its exit code."""
    deadline = None if within is None else time.monotonic() + within
    with Screen(Console(stderr=as_json)) as screen:
        for snapshot in follow(client, execution_id):
            if not quiet:
                screen.show(snapshot)
            if deadline is not None and time.monotonic() > deadline:
                break
    execution = client.execution(execution_id)
    if as_json:
        print_json(execution)
    else:
        print_execution(execution)
    if snapshot.status in BAD_ENDS:
        click.get_current_context().exit(FAILED)


def pipeline_id(client: Client, name_or_id: str) -> str:
    """Return the id of a stored pipeline.  Raises ``PipelineNotFound``."""
    stored = client.find_pipeline(name_or_id)
    if stored is None:
        raise PipelineNotFound(f"There is no pipeline {name_or_id!r}.")
    return str(stored["id"])


def print_execution(execution: dict[str, Any]) -> None:
    """Print an execution's state, error and outputs."""
    name = execution["pipeline_definition"]["workflow_name"]
    console = Console()
    console.print(name, execution["id"], state(execution["status"]), soft_wrap=True)
    if error := execution["error_info"]:
        click.echo(f"  {error.get('message')} [{error.get('code')}]")
        for left in error.get("compensation") or ():
            click.echo(f"  not undone: {left['step_id']}: {left['message']} [{left['code']}]")
    for key, value in (execution["final_outputs"] or {}).items():
        console.print(f"  {key}:", value, soft_wrap=True)


def _remarks(step: dict[str, Any]) -> str:
    items = step.get("items") or {}
    remarks = (
        f"{items['total']} items, {items['open']} open" if items.get("total") else "",
        f"until {step['timeout_at']}" if step["parked"] and step["timeout_at"] else "",
        f"{step['error_message']} [{step['error_code']}]" if step["error_message"] else "",
        str(step["skip_reason"] or ""),
    )
    return "  ".join(remark for remark in remarks if remark)
