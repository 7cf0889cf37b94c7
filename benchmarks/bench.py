"""What rows are measured with: servers, workers, web, a peer, and both sides' hands on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from benchmarks.actions import known_actions
from benchmarks.engine import Engine
from benchmarks.judging import Outcome, Rounds
from benchmarks.ledger import Ledger
from benchmarks.peer import running_peer
from benchmarks.plain_route import TABLE
from benchmarks.processes import cpu_seconds
from benchmarks.raw import RawCelery
from benchmarks.web import ENGINE, PLAIN, Site, running_web
from benchmarks.workers import paused, raw_celery, running_workers
from pipeline_engine.config import Settings
from pipeline_engine.services import Runtime

TABLES = (
    "benchmark_rows, executions, step_executions, events, inbox, correlations,"
    " pipeline_revisions, pipelines"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Everything that runs while rows are measured."""

    environment: Mapping[str, str]
    directory: Path
    runtime: Runtime
    ledger: Ledger
    raw: RawCelery
    engine: Engine
    web: Site  #: the engine's API
    plain: Site  #: the route that inserts one row
    peer_url: str
    worker_pids: Sequence[int]
    cpu: Callable[[], float]  #: what workers and servers have used, in seconds

    @property
    def settings(self) -> Settings:
        """What the engine was told."""
        return self.runtime.settings

    def clear(self) -> None:
        """Delete what the row before has left, so that no row pays for another."""
        with self.runtime.engine.begin() as connection:
            connection.exec_driver_sql(f"TRUNCATE {TABLES} CASCADE")


class Row(Protocol):
    """One line of the table."""

    @property
    def name(self) -> str:
        """What the command line calls it."""

    def measure(self, bench: Bench, rounds: Rounds) -> Outcome:
        """Measure it.  Raises ``Incomplete`` if either side did not do all of its work."""


@contextmanager
def plain_table(runtime: Runtime) -> Iterator[None]:
    """Have the table of the plain route while the block runs."""
    with runtime.engine.begin() as connection:
        connection.exec_driver_sql(TABLE)
    try:
        yield
    finally:
        with runtime.engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE benchmark_rows")


@contextmanager
def running_bench(
    environment: Mapping[str, str], directory: Path, server_pids: Sequence[int]
) -> Iterator[Bench]:
    """Start what rows need beside the servers, and stop it afterwards."""
    settings = Settings.from_env(environment)
    ledger, logs = Ledger(directory / "ledger"), directory / "logs"
    runtime = Runtime.start(settings, registry=known_actions())
    with ExitStack() as stack:
        stack.callback(runtime.stop)
        stack.enter_context(plain_table(runtime))
        pids = stack.enter_context(running_workers(environment, ledger, logs))
        cpu = partial(cpu_seconds, [*pids, *server_pids])
        yield Bench(
            environment=environment,
            directory=directory,
            runtime=runtime,
            ledger=ledger,
            raw=stack.enter_context(raw_celery(settings, ledger)),
            engine=Engine(runtime, paused=partial(paused, pids), cpu=cpu),
            web=stack.enter_context(running_web("web", ENGINE, environment, logs)),
            plain=stack.enter_context(running_web("plain", PLAIN, environment, logs)),
            peer_url=stack.enter_context(running_peer(logs)),
            worker_pids=pids,
            cpu=cpu,
        )
