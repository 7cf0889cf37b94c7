"""``make bench``, or ``python -m benchmarks --help``."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console

from benchmarks import report
from benchmarks.actions import known_actions
from benchmarks.bench import Row, running_bench
from benchmarks.console import Pages
from benchmarks.judging import Outcome, Rounds
from benchmarks.machine import Machine
from benchmarks.profiling import Rehearsal
from benchmarks.shapes import Shape
from benchmarks.table import ROWS, SHAPES
from benchmarks.workers import REPOSITORY, environment_of
from pipeline_engine.cli.db import upgrade
from pipeline_engine.config import Settings
from pipeline_engine.embedded.home import Home
from pipeline_engine.embedded.servers import EmbeddedServers
from pipeline_engine.scheduler.runtime import tune_gc
from pipeline_engine.services import Runtime

RESULTS = REPOSITORY / ".pipeline" / "bench"
NAMES = {row.name: row for row in ROWS}


@click.command()
@click.option("--repeat", default=5, show_default=True, help="Rounds that count.")
@click.option("--row", "names", multiple=True, type=click.Choice(list(NAMES)), help="Only this.")
@click.option("--minutes", type=float, help="How long `console` watches a live page.  [default: 3]")
@click.option("--profile", "profiled", is_flag=True, help="Tell where the time goes instead.")
def main(repeat: int, names: Sequence[str], minutes: float | None, profiled: bool) -> None:
    """Measure the engine against raw Celery and plain Flask, on servers of their own."""
    with fresh_servers(RESULTS / "servers") as servers:
        environment = environment_of(servers.database_url, servers.redis_url)
        if profiled:
            wanted = [name for name in names or SHAPES if name in SHAPES]
            show_profiles([SHAPES[name]() for name in wanted], environment)
        else:
            rows = [_lasting(NAMES[name], minutes) for name in names or NAMES]
            pids = (servers.postgres.pid, servers.valkey.pid)
            show_rows(rows, environment, pids, Rounds(repeat))


def _lasting(row: Row, minutes: float | None) -> Row:
    return replace(row, minutes=minutes) if minutes and isinstance(row, Pages) else row


@contextmanager
def fresh_servers(directory: Path) -> Iterator[EmbeddedServers]:
    """Run an empty, durable PostgreSQL and an empty Valkey; delete their data afterwards."""
    Home.at(directory).remove()
    try:
        with EmbeddedServers.start(directory, durable=True) as servers:
            upgrade(servers.database_url)
            yield servers
    finally:
        Home.at(directory).remove()
        shutil.rmtree(directory, ignore_errors=True)


def show_profiles(shapes: Sequence[Shape], environment: dict[str, str]) -> None:
    """Print where the time goes."""
    runtime = Runtime.start(Settings.from_env(environment), registry=known_actions())
    tune_gc()  # as a worker does
    rehearsal = Rehearsal(runtime)
    for shape in shapes:
        click.echo(rehearsal.profile(shape))
    rehearsal.close()
    runtime.stop()


def show_rows(
    rows: Sequence[Row], environment: dict[str, str], server_pids: Sequence[int], rounds: Rounds
) -> None:
    """Measure, print the table, and keep every number."""
    outcomes: list[Outcome] = []
    with running_bench(environment, RESULTS, server_pids) as bench:
        machine = Machine.here(bench.runtime.engine)
        for row in rows:
            bench.clear()
            began_at = time.monotonic()
            outcomes.append(row.measure(bench, rounds))
            click.echo(f"{row.name}: measured in {time.monotonic() - began_at:.0f} s")
    report.show(outcomes, machine, Console(width=130))
    path = RESULTS / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    report.write(outcomes, machine, path)
    click.echo(f"every number: {path}")


if __name__ == "__main__":
    main()
