"""``pipeline-engine up | down | status | reset | env``: the whole stack on this machine."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline_engine.cli.connection import directory_option
from pipeline_engine.cli.group import example
from pipeline_engine.cli.output import json_option, print_json, print_table
from pipeline_engine.cli.states import state
from pipeline_engine.embedded.ports import LOOPBACK

if TYPE_CHECKING:
    from pipeline_engine.embedded.home import Home
    from pipeline_engine.embedded.stack import Stack
    from pipeline_engine.embedded.state import ProcessState, StackState

UNDER_WAY = ("PENDING", "RUNNING")


@click.command(
    epilog=example("pipeline-engine up --flower", "pipeline-engine up --detach --port 8000")
)
@directory_option
@click.option("--host", default=LOOPBACK, show_default=True, help="Address of the API.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Port of the API: 9082 if it is free, kept from run to run; 0 is any, each time.",
)
@click.option("--flower", is_flag=True, help="Run Flower too, on loopback, with a password.")
@click.option("--reload", is_flag=True, help="Take over files of actions that are saved.")
@click.option("--detach", is_flag=True, help="Return when the API answers; it runs on.")
@click.option("--verbose", is_flag=True, help="Show every line of every process.")
def up(
    directory: Path,
    host: str,
    port: int | None,
    flower: bool,
    reload: bool,
    detach: bool,
    verbose: bool,
) -> None:
    """Run everything here: PostgreSQL, Valkey, migrations, web, workers and beat.

    With DATABASE_URL or REDIS_URL set, those servers are used instead; nothing else differs.
    Warnings and errors of the processes are shown, each under the name of its process.
    With --reload, actions in packages that were installed with `pip install -e` run as they are
    saved; one that cannot be loaded is told of, and the one before stays.
    Ctrl-C stops everything in order; a second one does so at once.
    """
    from pipeline_engine.embedded.announcement import announcement, typed
    from pipeline_engine.embedded.console import Console
    from pipeline_engine.embedded.sign_in_link import sign_in_link
    from pipeline_engine.embedded.stack import Stack
    from pipeline_engine.embedded.up import StackRun, Wishes
    from pipeline_engine.isolation.terms import Terms, untrusted

    # The processes inherit our environment; config.py alone gives meaning to it.
    environment = dict(os.environ)
    if detach:
        chosen = {"--flower": flower, "--reload": reload, "--verbose": verbose}
        options = (f"--host={host}", *(name for name, wanted in chosen.items() if wanted))
        stack = Stack.start(
            directory, environment=environment, options=options, port=port, detached=True
        )
        stop = f"{typed('down', directory)}; the data stays"
        lines = announcement(
            stack.state,
            stack.directory,
            stop=stop,
            isolated=untrusted(Terms.from_env()),
            link=sign_in_link(stack.exports),
        )
        for line in (*stack.state.remarks, *lines):
            click.echo(line)
        return
    wishes = Wishes(host=host, port=port, flower=flower, reload=reload)
    StackRun(
        directory,
        environment=environment,
        wishes=wishes,
        console=Console(verbose=verbose),
    ).run()


@click.command(epilog=example("pipeline-engine down"))
@directory_option
@json_option
def down(directory: Path, as_json: bool) -> None:
    """Stop the stack in order; its data stays, and what is under way goes on at the next `up`."""
    from pipeline_engine.embedded.announcement import foreign_servers

    stack = _running(directory)
    last, under_way = stack.state, _under_way(stack)
    stack.stop()
    if as_json:
        print_json({"directory": str(stack.directory), "executions_under_way": under_way})
        return
    click.echo(f"Stopped. All data stays in {stack.directory}.")
    if under_way:
        click.echo(f"{under_way} of its executions are under way; they go on at the next `up`.")
    for name, address, _ in foreign_servers(last):
        click.echo(f"Not stopped: your {name} at {address}.")


@click.command(epilog=example("pipeline-engine status"))
@directory_option
@json_option
@click.pass_context
def status(ctx: click.Context, directory: Path, as_json: bool) -> None:
    """List the processes; exit code 0 if all of them run, 1 if not, 3 without a stack."""
    stack = _running(directory).state
    is_well = stack.ready and all(one.status == "running" for one in stack.processes)
    if as_json:
        print_json({"is_well": is_well, "processes": [asdict(one) for one in stack.processes]})
    else:
        _print(stack.processes)
    if not is_well:
        ctx.exit(1)


@click.command(epilog=example("pipeline-engine reset --yes"))
@directory_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset(directory: Path, yes: bool) -> None:
    """Delete what the stack keeps: every pipeline and execution, its keys, its ports, its logs.

    What is not its own stays: servers that DATABASE_URL and REDIS_URL name, other files.
    """
    from pipeline_engine.embedded import leftovers
    from pipeline_engine.embedded.home import Home
    from pipeline_engine.embedded.state import StackState

    if not Home.is_at(directory):
        click.echo(f"Nothing to delete: there is no stack in {directory}.")
        return
    home = Home.at(directory)
    with home.locked():  # refuses while the stack runs
        last = StackState.read(home.state)
        _say_what_goes(home, last)
        if not yes:
            click.confirm("Delete it?", abort=True)
        leftovers.clean(last.processes if last else (), home.directory)
        home.remove()
    click.echo("Deleted.")


def _say_what_goes(home: Home, last: StackState | None) -> None:
    from pipeline_engine.embedded.announcement import foreign_servers

    goes = ["keys and token", "ports", "logs"]
    if (home.servers / "postgres").exists():
        goes.insert(0, "every pipeline and execution (its PostgreSQL and Valkey)")
    click.echo(f"This deletes of the stack in {home.directory}:")
    for what in goes:
        click.echo(f"  {what}")
    stays = [f"your {name} at {at}" for name, at, _ in foreign_servers(last)] if last else []
    stays += [str(path) for path in home.not_ours()]
    if stays:
        click.echo("This stays:")
    for what in stays:
        click.echo(f"  {what}")


def _under_way(stack: Stack) -> int:
    """Count the executions that have not ended; 0 if the API does not answer."""
    from pipeline_engine.client import ApiRefused, ApiUnreachable, Client

    client = Client(stack.api_url, stack.api_token, timeout_seconds=5)
    try:
        pages = [client.executions(status=status, page_size=1) for status in UNDER_WAY]
    except (ApiUnreachable, ApiRefused):
        return 0
    return sum(int(page["pagination"]["total_count"]) for page in pages)


@click.command(epilog=example('eval "$(pipeline-engine env)"'))
@directory_option
@click.option("--servers", is_flag=True, help="Also the addresses of PostgreSQL and Redis.")
@json_option
def env(directory: Path, servers: bool, as_json: bool) -> None:
    """Print what a client of the running stack needs, for a shell: address and token.

    --servers adds what who works on its servers needs: their addresses and the secret key.
    """
    stack = _running(directory)
    wanted = stack.environment if servers else stack.exports
    if as_json:
        print_json(dict(wanted))
        return
    for name, value in wanted.items():
        click.echo(f"export {name}={shlex.quote(value)}")


def _running(directory: Path) -> Stack:
    from pipeline_engine.embedded.stack import Stack

    return Stack.attach(directory)


def _print(processes: Sequence[ProcessState]) -> None:
    rows = ((p.name, p.pid or "-", state(p.status), p.restarts, _uptime(p)) for p in processes)
    print_table("process", "pid", "status", "restarts", "uptime", rows=rows)


def _uptime(process: ProcessState) -> str:
    if process.started_at is None:
        return "-"
    return str(timedelta(seconds=max(0, int(time.time() - process.started_at))))
