"""``make bench-peers``, or ``python -m benchmarks.peers --help``."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
import redis
from rich.console import Console
from sqlalchemy import create_engine, make_url

from benchmarks.__main__ import fresh_servers
from benchmarks.machine import Machine
from benchmarks.peers import page, report
from benchmarks.peers.contestants import CONTESTANTS, Contestant
from benchmarks.peers.failures import ContestantFailed
from benchmarks.peers.measuring import Outcome, measure
from benchmarks.peers.starting import Place
from benchmarks.workers import REPOSITORY
from pipeline_engine.embedded.home import Home

HERE = REPOSITORY / ".pipeline" / "bench-peers"
NAMES = [contestant.name for contestant in CONTESTANTS]
WORKLOAD_NAMES = [workload.name for workload in report.COUNTED]
COLUMNS = 80  #: As wide as the tables need


@click.command()
@click.option("--repeat", default=3, show_default=True, help="Rounds that count.")
@click.option("--only", multiple=True, type=click.Choice(NAMES), help="Only this one.")
@click.option("--except", "left_out", multiple=True, type=click.Choice(NAMES), help="All but this.")
@click.option(
    "--workload", multiple=True, type=click.Choice(WORKLOAD_NAMES), help="Only this workload."
)
@click.option("--install", is_flag=True, help="Make the environments, and measure nothing.")
@click.option(
    "--from",
    "kept",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Show what an earlier run has kept, and measure nothing.",
)
@click.option("--publish", is_flag=True, help="Write the results into docs/reference/peers.md.")
def main(
    repeat: int,
    only: Sequence[str],
    left_out: Sequence[str],
    workload: Sequence[str],
    install: bool,
    kept: Path | None,
    publish: bool,
) -> None:
    """Measure the engine and its peers on the same work, one after the other."""
    # What was started is ended on the way out, also when somebody ends this.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    if kept is None:
        wanted = [one for one in CONTESTANTS if one.name in (only or NAMES)]
        contestants = [one for one in wanted if one.name not in left_out]
        prepare(contestants)
        if install:
            return
        kept = measure_all(contestants, repeat, workload)
    results = report.read(kept)
    report.show(results, Console(width=COLUMNS))
    if publish:
        page.publish(results)
        click.echo(f"written into {page.PATH}")
    click.echo(f"every number: {kept}")


def measure_all(contestants: Sequence[Contestant], repeat: int, only: Sequence[str]) -> Path:
    """Measure one contestant after the other; returns the file with every number."""
    with Home.at(HERE / "run").locked(), fresh_servers(HERE / "servers") as servers:
        place = Place(HERE, servers.database_url, servers.redis_url)
        machine = machine_of(place.database_url)
        outcomes = [measured(contestant, place, repeat, only) for contestant in contestants]
    now = datetime.now(UTC)
    path = HERE / "results" / f"{now:%Y%m%dT%H%M%SZ}.json"
    report.write(report.Results(outcomes, machine, now), path)
    return path


def prepare(contestants: Sequence[Contestant]) -> None:
    """Make all environments first, so that no installation runs while others are measured."""
    place = Place(HERE, "", "")
    for contestant in contestants:
        click.echo(f"environment of {contestant.name}")
        try:
            place.environment_of(contestant)
        except ContestantFailed as failure:
            click.echo(f"  {failure}")


def measured(
    contestant: Contestant, place: Place, repeat: int, only: Sequence[str] = ()
) -> Outcome:
    """Measure one contestant; Redis is empty when it starts."""
    began_at = time.monotonic()
    with redis.Redis.from_url(place.redis_url) as client:
        client.flushall()
    outcome = measure(contestant, place.start, repeat=repeat, only=only)
    took = f"{time.monotonic() - began_at:.0f} s"
    click.echo(f"{contestant.name}: {outcome.failure or 'measured'} ({took})")
    return outcome


def machine_of(database_url: str) -> Machine:
    """Return where the measurement was taken."""
    engine = create_engine(make_url(database_url).set(drivername="postgresql+psycopg2"))
    try:
        return Machine.here(engine)
    finally:
        engine.dispose()


if __name__ == "__main__":
    main()
