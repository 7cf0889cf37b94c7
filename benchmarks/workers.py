"""The worker processes that both sides of a comparison run in: those of the Procfile."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.ledger import LEDGER_VARIABLE, Ledger
from benchmarks.raw import RawCelery, register_tasks
from pipeline_engine.config import Settings
from pipeline_engine.dispatch import make_celery
from pipeline_engine.embedded.programs import Program, Stage, signal_group

REPOSITORY = Path(__file__).parents[1]
CELERY = (sys.executable, "-m", "celery", "-A", "benchmarks.worker_app")
QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=WARNING")
POOLS: dict[str, tuple[str, ...]] = {
    "worker-fast": ("-P", "prefork", "-c", "2", "-Q", "fast"),
    "worker-io": ("-P", "threads", "-c", "16", "-Q", "io"),
    "worker-cpu": ("-P", "prefork", "-c", "2", "-Q", "cpu"),
}
BEAT = ("beat", "-S", "pipeline_engine.worker.beat:PipelineScheduler", "--loglevel=WARNING")
READY_WITHIN_SECONDS = 60.0
SECRET_KEY = "key-of-a-benchmark-and-of-nothing-else"  # noqa: S105 (opens nothing)


class WorkersMissing(Exception):
    """The workers did not come up; their logs say why."""


def environment_of(database_url: str, redis_url: str) -> dict[str, str]:
    """Return what the engine is told: the two servers, and its defaults for everything else."""
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "PIPELINE_SECRET_KEY": SECRET_KEY,
        "LOG_LEVEL": "WARNING",
    }


def raw_celery(settings: Settings, ledger: Ledger) -> RawCelery:
    """Return the side that publishes raw tasks, with apps like the engine's.

    Only the chord has a result backend, which it needs: a group is a third slower with one.
    """
    plain, with_results = make_celery(settings), make_celery(settings)
    plain.conf.update(result_backend=None)
    with_results.conf.update(result_backend=settings.redis_url)
    register_tasks(ledger, plain, with_results)
    return RawCelery(plain, with_results, ledger)


@contextmanager
def running_workers(
    environment: Mapping[str, str], ledger: Ledger, logs: Path
) -> Iterator[Sequence[Program]]:
    """Run the workers and the beat until the block ends.  Raises ``WorkersMissing``."""
    told = {**os.environ, **environment, LEDGER_VARIABLE: str(ledger.path)}
    programs = [
        _program(name, ("worker", "-n", f"{name}@%h", *pool, *QUIET), told)
        for name, pool in POOLS.items()
    ]
    programs.append(_program("beat", BEAT, told))
    logs.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        for program in programs:
            stack.enter_context(_running(program, logs / f"{program.name}.log"))
        _wait_for_workers(Settings.from_env(environment), logs)
        yield programs


def _program(name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> Program:
    return Program(
        name=name,
        command=(*CELERY, *arguments),
        environment=environment,
        stage=Stage.WORKERS,
        directory=REPOSITORY,  # where the package `benchmarks` is found
    )


@contextmanager
def _running(program: Program, log: Path) -> Iterator[None]:
    with log.open("wb") as output:
        process = program.spawn(output)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(program.stop_within.total_seconds())
        finally:
            signal_group(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for_workers(settings: Settings, logs: Path) -> None:
    control = make_celery(settings).control
    ends_at = time.monotonic() + READY_WITHIN_SECONDS
    while len(control.ping(timeout=0.5) or ()) < len(POOLS):
        if time.monotonic() > ends_at:
            raise WorkersMissing(f"No answer within {READY_WITHIN_SECONDS:g} s; see {logs}")
