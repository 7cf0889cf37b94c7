"""A Celery app of somebody else, and a worker of it: nothing in either knows of the engine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import Any

from celery import Celery

from support.waiting import TO_START_SECONDS, wait_until

REDIS = "FOREIGN_REDIS"
#: Redelivers what a dead worker held as soon as another one starts.
VISIBLE = "FOREIGN_VISIBILITY"
LONGEST = 20.0

url = os.environ.get(REDIS, "memory://")
app = Celery("foreign", broker=url, backend=url if REDIS in os.environ else None)
app.set_current()
app.conf.update(
    broker_transport_options={"visibility_timeout": float(os.environ.get(VISIBLE, "3600"))},
    result_extended=False,
    task_acks_late=True,
    worker_prefetch_multiplier=1,
)


@app.task(name="reports.add")
def add(*numbers: int, note: str = "") -> dict[str, Any]:
    """Return what it was given."""
    return {"sum": sum(numbers), "note": note, "big": 2**70}


@app.task(name="reports.small")
def small(**given: Any) -> dict[str, Any]:
    """Return what it was given, and nothing that is too large."""
    return {"given": given, "rows": 3}


@app.task(name="reports.fail")
def fail(words: str) -> None:
    """Fail with these words."""
    raise ValueError(words)


@app.task(name="reports.hang", bind=True)
def hang(task: Any, folder: str) -> str:
    """Say that it has begun, and go on when there is a file ``go``."""
    place = Path(folder)
    with (place / "began").open("a") as began:
        began.write(f"{task.request.id}\n")
    waited = 0.0
    while not (place / "go").exists() and waited < LONGEST:
        Event().wait(0.02)
        waited += 0.02
    return "went on"


@contextmanager
def foreign_worker(
    redis_url: str, log: Path, *, queues: str = "celery", **environment: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker with a process for its task; it is killed if it still runs at the end."""
    command = [sys.executable, "-m", "celery", "-A", "support.foreign_celery", "worker"]
    options = ["-P", "prefork", "-c", "1", "-Q", queues, "-n", f"{log.stem}@foreign"]
    lean = ["-l", "INFO", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    given = {**os.environ, REDIS: redis_url, **environment}
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, *options, *lean],
            env={**given, "PYTHONPATH": str(Path(__file__).parents[1])},
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until(
            lambda: b" ready." in log.read_bytes() or process.poll() is not None,
            within=TO_START_SECONDS,
            what="the worker",
        )
        yield process
    finally:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the worker with its children, as a lost machine would."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
