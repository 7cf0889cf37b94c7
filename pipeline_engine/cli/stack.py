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
from pipeline_engine.client import ApiRefused, ApiUnreachable, Client
from pipeline_engine.embedded import leftovers
from pipeline_engine.embedded.announcement import announcement, foreign_servers
from pipeline_engine.embedded.console import Console
from pipeline_engine.embedded.home import Home
from pipeline_engine.embedded.ports import LOOPBACK
from pipeline_engine.embedded.stack import Stack
from pipeline_engine.embedded.state import ProcessState, ProcessStatus, StackState
from pipeline_engine.embedded.up import StackRun, Wishes

DOWN = "pipeline-engine down; the data stays"
UNDER_WAY = ("PENDING", "RUNNING")

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
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Port of the API: 9082 if it is free, kept from run to run; 0 is any, each time.",
)
@click.option("--flower", is_flag=True, help="Run Flower too, on loopback, with a password.")
@click.option("--detach", is_flag=True, help="Return when the API answers; it runs on.")
@click.option("--verbose", is_flag=True, help="Show every line of every process.")
def up(
    directory: Path, host: str, port: int | None, flower: bool, detach: bool, verbose: bool
) -> None:
    r"""Run everything here: PostgreSQL, Valkey, migrations, web, workers and beat.

    With DATABASE_URL or REDIS_URL set, those servers are used instead; nothing else differs.
    Warnings and errors of the processes are shown, each under the name of its process.
    Ctrl-C stops everything in order; a second one does so at once.

    \b
    pipeline-engine up --flower
    pipeline-engine up --detach --port 8000
    """
    # The processes inherit our environment; config.py alone gives meaning to it.
    environment = dict(os.environ)
    if detach:
        chosen = {"--flower": flower, "--verbose": verbose}
        options = (f"--host={host}", *(name for name, wanted in chosen.items() if wanted))
        stack = Stack.start(
            directory, environment=environment, options=options, port=port, detached=True
        )
        for line in (*stack.state.remarks, *announcement(stack.state, stack.directory, stop=DOWN)):
            click.echo(line)
        return
    wishes = Wishes(host=host, port=port, flower=flower)
    StackRun(
        directory,
        environment=environment,
        wishes=wishes,
        migrate=upgrade,
        console=Console(verbose=verbose),
    ).run()


@click.command()
@directory_option
def down(directory: Path) -> None:
    """Stop the stack in order; its data stays, and what is under way goes on at the next `up`."""
    stack = Stack.attach(directory)
    state, under_way = stack.state, _under_way(stack)
    stack.stop()
    click.echo(f"Stopped. All data stays in {stack.directory}.")
    if under_way:
        click.echo(f"{under_way} of its executions are under way; they go on at the next `up`.")
    for name, address, _ in foreign_servers(state):
        click.echo(f"Not stopped: your {name} at {address}.")


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
    """Delete what the stack keeps: every pipeline and execution, its keys, its ports, its logs.

    What is not its own stays: servers that DATABASE_URL and REDIS_URL name, other files.
    """
    if not Home.is_at(directory):
        click.echo(f"Nothing to delete: there is no stack in {directory}.")
        return
    home = Home.at(directory)
    with home.locked():  # refuses while the stack runs
        state = StackState.read(home.state)
        _say_what_goes(home, state)
        if not yes:
            click.confirm("Delete it?", abort=True)
        leftovers.clean(state.processes if state else (), home.directory)
        home.remove()
    click.echo("Deleted.")


def _say_what_goes(home: Home, state: StackState | None) -> None:
    goes = ["keys and token", "ports", "logs"]
    if (home.servers / "postgres").exists():
        goes.insert(0, "every pipeline and execution (its PostgreSQL and Valkey)")
    click.echo(f"This deletes of the stack in {home.directory}:")
    for what in goes:
        click.echo(f"  {what}")
    stays = [f"your {name} at {at}" for name, at, _ in foreign_servers(state)] if state else []
    stays += [str(path) for path in home.not_ours()]
    if stays:
        click.echo("This stays:")
    for what in stays:
        click.echo(f"  {what}")


def _under_way(stack: Stack) -> int:
    """Count the executions that have not ended; 0 if the API does not answer."""
    client = Client(stack.api_url, stack.api_token, timeout_seconds=5)
    try:
        pages = [client.executions(status=status, page_size=1) for status in UNDER_WAY]
    except (ApiUnreachable, ApiRefused):
        return 0
    return sum(int(page["pagination"]["total_count"]) for page in pages)


@click.command()
@directory_option
@click.option("--servers", is_flag=True, help="Also the addresses of PostgreSQL and Redis.")
def env(directory: Path, servers: bool) -> None:
    r"""Print what a client of the running stack needs, for a shell: address and token.

    --servers adds what who works on its servers needs: their addresses and the secret key.

    \b
    eval "$(pipeline-engine env)"
    """
    stack = Stack.attach(directory)
    for name, value in (stack.environment if servers else stack.exports).items():
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
