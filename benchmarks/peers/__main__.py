"""``make bench-peers``, or ``python -m benchmarks.peers --help``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import click
import redis
from rich.console import Console
from sqlalchemy import create_engine, make_url

from benchmarks.__main__ import fresh_servers
from benchmarks.machine import Machine
from benchmarks.peers import report
from benchmarks.peers.contestants import CONTESTANTS, Contestant
from benchmarks.peers.failures import ContestantFailed
from benchmarks.peers.measuring import Outcome, measure
from benchmarks.peers.starting import Place
from benchmarks.workers import REPOSITORY
from pipeline_engine.embedded.home import Home

HERE = REPOSITORY / ".pipeline" / "bench-peers"
NAMES = [contestant.name for contestant in CONTESTANTS]


@click.command()
@click.option("--repeat", default=3, show_default=True, help="Rounds that count.")
@click.option("--only", multiple=True, type=click.Choice(NAMES), help="Only this one.")
@click.option("--install", is_flag=True, help="Make the environments, and measure nothing.")
def main(repeat: int, only: Sequence[str], install: bool) -> None:
    """Measure the engine and its peers on the same work, one after the other."""
    contestants = [one for one in CONTESTANTS if not only or one.name in only]
    prepare(contestants)
    if install:
        return
    with Home.at(HERE / "run").locked(), fresh_servers(HERE / "servers") as servers:
        place = Place(HERE, servers.database_url, servers.redis_url)
        machine = machine_of(place.database_url)
        outcomes = [measured(contestant, place, repeat) for contestant in contestants]
    report.show(outcomes, machine, Console(width=120))
    path = HERE / "results" / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    report.write(outcomes, machine, path)
    click.echo(f"every number: {path}")


def prepare(contestants: Sequence[Contestant]) -> None:
    """Make all environments first, so that no installation runs while others are measured."""
    place = Place(HERE, "", "")
    for contestant in contestants:
        click.echo(f"environment of {contestant.name}")
        try:
            place.environment_of(contestant)
        except ContestantFailed as failure:
            click.echo(f"  {failure}")


def measured(contestant: Contestant, place: Place, repeat: int) -> Outcome:
    """Measure one contestant; Redis is empty when it starts."""
    click.echo(f"measuring {contestant.name}")
    with redis.Redis.from_url(place.redis_url) as client:
        client.flushall()
    return measure(contestant, place.start, repeat=repeat)


def machine_of(database_url: str) -> Machine:
    """Return where the measurement was taken."""
    engine = create_engine(make_url(database_url).set(drivername="postgresql+psycopg2"))
    try:
        return Machine.here(engine)
    finally:
        engine.dispose()


if __name__ == "__main__":
    main()
