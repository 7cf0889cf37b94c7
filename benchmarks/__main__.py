"""``make bench``, or ``python -m benchmarks --help``."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console

from benchmarks import report
from benchmarks.engine import Engine
from benchmarks.ledger import Ledger
from benchmarks.machine import Machine
from benchmarks.measuring import compare
from benchmarks.profiling import Rehearsal
from benchmarks.shapes import SHAPES, Shape
from benchmarks.workers import REPOSITORY, environment_of, raw_celery, running_workers
from pipeline_engine.cli.db import upgrade
from pipeline_engine.config import Settings
from pipeline_engine.embedded.home import Home
from pipeline_engine.embedded.servers import EmbeddedServers
from pipeline_engine.scheduler.runtime import calm_the_collector
from pipeline_engine.services import Runtime

RESULTS = REPOSITORY / ".pipeline" / "bench"


@click.command()
@click.option("--repeat", default=5, show_default=True, help="Rounds that count.")
@click.option("--shape", "names", multiple=True, type=click.Choice(list(SHAPES)), help="Only this.")
@click.option("--profile", "profiled", is_flag=True, help="Tell where the time goes instead.")
def main(repeat: int, names: Sequence[str], profiled: bool) -> None:
    """Measure the engine against raw Celery, in the same workers on servers of their own."""
    shapes = [SHAPES[name]() for name in names or SHAPES]
    with fresh_servers(RESULTS / "servers") as environment:
        if profiled:
            show_profiles(shapes, environment)
        else:
            show_ratios(shapes, environment, repeat=repeat)


@contextmanager
def fresh_servers(directory: Path) -> Iterator[dict[str, str]]:
    """Run an empty, durable PostgreSQL and an empty Valkey; delete their data afterwards."""
    Home.at(directory).remove()
    try:
        with EmbeddedServers.start(directory, durable=True) as servers:
            upgrade(servers.database_url)
            yield environment_of(servers.database_url, servers.redis_url)
    finally:
        Home.at(directory).remove()
        shutil.rmtree(directory, ignore_errors=True)


def show_profiles(shapes: Sequence[Shape], environment: dict[str, str]) -> None:
    """Print where the time goes."""
    runtime = Runtime.start(Settings.from_env(environment))
    calm_the_collector()  # as a worker does
    rehearsal = Rehearsal(runtime)
    for shape in shapes:
        click.echo(rehearsal.profile(shape))
    rehearsal.close()
    runtime.stop()


def show_ratios(shapes: Sequence[Shape], environment: dict[str, str], *, repeat: int) -> None:
    """Measure, print the table, and keep every number."""
    settings = Settings.from_env(environment)
    runtime = Runtime.start(settings)
    ledger = Ledger(RESULTS / "ledger")
    machine = Machine.here(runtime.engine)
    workers = running_workers(environment, ledger, RESULTS / "logs")
    with workers, raw_celery(settings, ledger) as raw:
        comparisons = compare(shapes, raw, Engine(runtime), repeat=repeat)
    runtime.stop()
    report.show(comparisons, machine, Console(width=110))
    path = RESULTS / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    report.write(comparisons, machine, path)
    click.echo(f"every number: {path}")


if __name__ == "__main__":
    main()
