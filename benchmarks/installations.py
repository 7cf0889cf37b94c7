"""Installations of their own, for rows that the usual workers would disturb."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial

from benchmarks.bench import Bench, Row
from benchmarks.engine import Engine
from benchmarks.judging import Outcome, Rounds
from benchmarks.processes import cpu_seconds
from benchmarks.workers import paused, raw_celery, running_workers
from pipeline_engine.cli.db import upgrade
from pipeline_engine.config import Settings
from pipeline_engine.embedded.postgres import create_database
from pipeline_engine.services import Runtime

EVERY_QUEUE = "io,fast,cpu,system"


def installation(bench: Bench, name: str, told: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return what an installation is told that has a database and a prefix of its own.

    The usual workers must find nothing of what its own workers do.
    """
    url = bench.settings.database_url
    database = f"benchmark_{name.replace('-', '_')}"
    create_database(url, database)
    url = f"{url.rpartition('/')[0]}/{database}"
    upgrade(url)
    own = {"DATABASE_URL": url, "PIPELINE_KEY_PREFIX": f"{bench.settings.key_prefix}{name}:"}
    return {**bench.environment, **own, **(told or {})}


@dataclass(frozen=True, slots=True)
class OneWorker:
    """A row on a single worker with so many threads, which does the work of both sides."""

    row: Row
    slots: int

    @property
    def name(self) -> str:
        """What the row is called."""
        return self.row.name

    def measure(self, bench: Bench, rounds: Rounds) -> Outcome:
        """Measure the row on that worker."""
        with one_worker(bench, self.name, self.slots) as alone:
            return self.row.measure(alone, rounds)


@contextmanager
def one_worker(
    bench: Bench, name: str, slots: int, more: Mapping[str, str] | None = None
) -> Iterator[Bench]:
    """Run one worker with so many threads, on an installation of its own, until the block ends."""
    told = installation(bench, name, more)
    settings = Settings.from_env(told)
    runtime = Runtime.start(settings, registry=bench.runtime.registry)
    pool = {"worker": ("-P", "threads", "-c", str(slots), "-Q", EVERY_QUEUE)}
    with ExitStack() as stack:
        stack.callback(runtime.stop)
        logs = bench.directory / "logs" / name
        pids = stack.enter_context(running_workers(told, bench.ledger, logs, pool))
        worker_cpu = partial(cpu_seconds, pids)
        yield replace(
            bench,
            environment=told,
            runtime=runtime,
            raw=stack.enter_context(raw_celery(settings, bench.ledger)),
            engine=Engine(
                runtime,
                paused=partial(paused, pids),
                cpu=lambda: bench.cpu() + worker_cpu(),
            ),
            worker_pids=pids,
            cpu=lambda: bench.cpu() + worker_cpu(),
        )
