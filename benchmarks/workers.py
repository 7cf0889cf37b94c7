"""The worker processes that both sides of a comparison run in: those of the Procfile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from benchmarks.actions import PLUGIN
from benchmarks.ledger import LEDGER_VARIABLE, Ledger
from benchmarks.raw import RawCelery, register_tasks
from pipeline_engine.config import Settings
from pipeline_engine.dispatch.celery_app import make_celery
from pipeline_engine.embedded.ports import LOOPBACK
from pipeline_engine.embedded.programs import Program, Stage, signal_group

REPOSITORY = Path(__file__).parents[1]
CELERY = (sys.executable, "-m", "celery", "-A", "benchmarks.worker_app")
QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=WARNING")
POOLS: dict[str, tuple[str, ...]] = {
    "worker-fast": ("-P", "prefork", "-c", "2", "-Q", "fast"),
    "worker-io": ("-P", "threads", "-c", "16", "-Q", "io"),
    "worker-cpu": ("-P", "prefork", "-c", "2", "-Q", "cpu"),
    "worker-system": ("-P", "threads", "-c", "16", "-Q", "system"),
}
BEAT = ("beat", "-S", "pipeline_engine.beat.scheduler:PipelineScheduler", "--loglevel=WARNING")
READY_WITHIN_SECONDS = 60.0
SECRET_KEY = "key-of-a-benchmark-and-of-nothing-else"  # noqa: S105 (opens nothing)
API_TOKEN = "token-of-a-benchmark"  # noqa: S105 (opens nothing)


class WorkersMissing(Exception):
    """The workers did not come up; their logs say why."""


def environment_of(database_url: str, redis_url: str) -> dict[str, str]:
    """Return what the engine is told: servers, a token, and what the rows would run into.

    Everything else is the default.
    """
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "PIPELINE_SECRET_KEY": SECRET_KEY,
        "PIPELINE_API_TOKEN": API_TOKEN,
        "PIPELINE_MAX_ITEMS": "100000",
        "PIPELINE_MAX_OPEN_EXECUTIONS": "1000000",
        # `http_request` reaches no private address on its own.
        "PIPELINE_HTTP_ALLOWED_HOSTS": LOOPBACK,
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
    environment: Mapping[str, str],
    ledger: Ledger,
    logs: Path,
    pools: Mapping[str, tuple[str, ...]] = POOLS,
) -> Iterator[list[int]]:
    """Run the workers and the beat until the block ends; their pids.  Raises ``WorkersMissing``."""
    told = {**environment, LEDGER_VARIABLE: str(ledger.path)}
    programs = [worker(name, pool, told) for name, pool in pools.items()]
    programs.append(beat(told))
    with ExitStack() as stack:
        pids = [stack.enter_context(running(program, logs)).pid for program in programs]
        _wait_for_workers(Settings.from_env(environment), logs, len(pools))
        yield pids


def worker(name: str, pool: Sequence[str], environment: Mapping[str, str]) -> Program:
    """Return a worker with the raw tasks and the actions of the benchmarks."""
    return _program(name, ("worker", "-n", f"{name}@%h", *pool, *QUIET), environment)


def beat(environment: Mapping[str, str]) -> Program:
    """Return what rings for the sweep."""
    return _program("beat", BEAT, environment)


def _program(name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> Program:
    return Program(
        name=name,
        command=(*CELERY, *arguments),
        environment={LEDGER_VARIABLE: os.devnull} | with_actions(environment),
        stage=Stage.WORKERS,
        directory=REPOSITORY,  # where the package `benchmarks` is found
    )


def with_actions(environment: Mapping[str, str]) -> dict[str, str]:
    """Return *environment* for a process that knows the actions of the benchmarks, too."""
    path = [str(PLUGIN), str(REPOSITORY), environment.get("PYTHONPATH", "")]
    told = {"PIPELINE_TRUSTED_PACKAGES": "*", "PYTHONPATH": os.pathsep.join(filter(None, path))}
    return {**os.environ, **environment, **told}


@contextmanager
def paused(pids: Sequence[int]) -> Iterator[None]:
    """Stop the processes while the block runs, and let them go on where they were."""
    for pid in pids:
        signal_group(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            signal_group(pid, signal.SIGCONT)


@contextmanager
def running(program: Program, logs: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run *program* until the block ends."""
    logs.mkdir(parents=True, exist_ok=True)
    with (logs / f"{program.name}.log").open("ab") as output:
        process = program.spawn(output)
    try:
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):  # it may be busy with what was given up
            process.wait(program.stop_within.total_seconds())
        signal_group(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for_workers(settings: Settings, logs: Path, count: int) -> None:
    control = make_celery(settings).control
    ends_at = time.monotonic() + READY_WITHIN_SECONDS
    while len(control.ping(timeout=0.5) or ()) < count:
        if time.monotonic() > ends_at:
            raise WorkersMissing(f"No answer within {READY_WITHIN_SECONDS:g} s; see {logs}")
