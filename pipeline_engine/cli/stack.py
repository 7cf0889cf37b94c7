"""``pipeline-engine up | down | status | reset | env``: the whole stack on this machine."""

from __future__ import annotations

import os
import shlex
import time
from datetime import timedelta
from pathlib import Path

import click
from rich.console import Console as Terminal
from rich.table import Table

from pipeline_engine.cli.db import upgrade
from pipeline_engine.embedded import leftovers
from pipeline_engine.embedded.console import Console
from pipeline_engine.embedded.home import Home
from pipeline_engine.embedded.ports import LOOPBACK
from pipeline_engine.embedded.stack import Stack
from pipeline_engine.embedded.state import ProcessState, ProcessStatus, StackState
from pipeline_engine.embedded.up import StackRun, Wishes

directory_option = click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".pipeline"),
    show_default=True,
    help="Where the stack keeps its data and logs.",
)


@click.command()
@directory_option
@click.option("--host", default=LOOPBACK, show_default=True, help="Address of the API.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the API; free if not given.")
@click.option("--flower", is_flag=True, help="Run Flower too, on loopback, with a password.")
@click.option("--detach", is_flag=True, help="Return when the API answers; it runs on.")
def up(directory: Path, host: str, port: int | None, flower: bool, detach: bool) -> None:
    """Run everything here: PostgreSQL, Valkey, migrations, web, workers and beat.

    With DATABASE_URL or REDIS_URL set, those servers are used instead; nothing else differs.
    Ctrl-C stops everything in order; a second one does so at once.
    """
    # The processes inherit our environment; config.py alone gives meaning to it.
    environment = dict(os.environ)
    if detach:
        chosen = [f"--host={host}", f"--port={port}" if port else "", "--flower" if flower else ""]
        options = tuple(option for option in chosen if option)
        stack = Stack.start(directory, environment=environment, options=options, detached=True)
        click.echo(f"ready: {stack.api_url}")
        return
    wishes = Wishes(host=host, port=port, flower=flower)
    StackRun(
        directory, environment=environment, wishes=wishes, migrate=upgrade, console=Console()
    ).run()


@click.command()
@directory_option
def down(directory: Path) -> None:
    """Stop the stack in order; its data stays."""
    Stack.attach(directory).stop()
    click.echo("stopped")


@click.command()
@directory_option
@click.pass_context
def status(ctx: click.Context, directory: Path) -> None:
    """List the processes; exit code 0 if all of them run, 1 if not, 3 without a stack."""
    state = Stack.attach(directory).state
    Terminal().print(_table(state))
    if not state.ready or any(one.status is not ProcessStatus.RUNNING for one in state.processes):
        ctx.exit(1)


@click.command()
@directory_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset(directory: Path, yes: bool) -> None:
    """Delete the stack's data: every pipeline and every execution."""
    if not directory.exists():
        click.echo(f"Nothing to delete: there is no {directory}.")
        return
    home = Home.at(directory)
    with home.locked():  # refuses while the stack runs
        if not yes:
            click.confirm(f"Delete all data of the stack in {home.directory}?", abort=True)
        state = StackState.read(home.state)
        leftovers.clean(state.processes if state else (), home.directory)
        home.remove()
    click.echo("deleted")


@click.command()
@directory_option
def env(directory: Path) -> None:
    r"""Print the addresses and keys of the running stack for a shell.

    \b
    eval "$(pipeline-engine env)"
    """
    for name, value in Stack.attach(directory).exports.items():
        click.echo(f"export {name}={shlex.quote(value)}")


def _table(state: StackState) -> Table:
    table = Table("process", "pid", "state", "restarts", "uptime", box=None)
    for process in state.processes:
        table.add_row(
            process.name,
            str(process.pid or "-"),
            str(process.status),
            str(process.restarts),
            _uptime(process),
        )
    return table


def _uptime(process: ProcessState) -> str:
    if process.started_at is None:
        return "-"
    return str(timedelta(seconds=max(0, int(time.time() - process.started_at))))
