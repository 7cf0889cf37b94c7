"""The work that every contestant does, and how it talks to the benchmark that asked for it.

A contestant is a program that reads the name of a workload per line, runs it, and answers with
one line of JSON.  What its library prints must not be taken for an answer: it goes to the log.
"""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

LEDGER_VARIABLE = "BENCHMARK_LEDGER"
RECORD = struct.Struct("<qd")  # as benchmarks.ledger reads it
STOP_WITHIN_SECONDS = 20.0

Program: TypeAlias = "subprocess.Popen[bytes]"


@dataclass(frozen=True)
class Workload:
    """So many times ``fibo(fibo)``, one after the other or as items that are joined."""

    name: str
    items: int
    fibo: int
    joined: bool = False  #: items of a map and a step that adds them up, not steps in a row
    counts: bool = True  #: or it only warms a contestant up

    @property
    def records(self) -> int:
        """How many records it must leave in the ledger."""
        return self.items + self.joined

    @property
    def answer(self) -> int:
        """What it must come to: the last number of a row, or the sum of a map."""
        return fibonacci(self.fibo) * (self.items if self.joined else 1)


def fibo(n: int) -> int:
    """Return a Fibonacci number in the naive way, which is the work."""
    return n if n < 2 else fibo(n - 1) + fibo(n - 2)


def fibonacci(n: int) -> int:
    """Return the same number without the work."""
    number, following = 0, 1
    for _ in range(n):
        number, following = following, number + following
    return number


#: Windmill's two, a map, and two small ones with which everything is started and connected.
WORKLOADS = (
    Workload("warm-row", items=5, fibo=10, counts=False),
    Workload("warm-map", items=5, fibo=10, joined=True, counts=False),
    Workload("short", items=40, fibo=10),
    Workload("long", items=10, fibo=33),
    Workload("map", items=100, fibo=10, joined=True),
)


def do_step(number: int, n: int) -> int:
    """Compute, and leave a record of having run."""
    found = fibo(n)
    note(number)
    return found


def do_join(items: int, numbers: Sequence[int]) -> int:
    """Add up what the items found, and leave a record of having run."""
    total = sum(numbers)
    note(items)
    return total


def note(number: int) -> None:
    """Write to the ledger that step *number* has run; a small append is whole."""
    ledger = os.open(os.environ[LEDGER_VARIABLE], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(ledger, RECORD.pack(number, time.time()))
    os.close(ledger)


def answer_requests(run: Callable[[Workload], Any]) -> None:
    """Run what is asked for until nothing more is asked."""
    known = {workload.name: workload for workload in WORKLOADS}
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    print(json.dumps({"ready": True}), file=answers)
    for line in sys.stdin:
        workload = known[line.strip()]
        began_at = time.time()
        found = run(workload)
        ended_at = time.time()
        answer = {"began_at": began_at, "ended_at": ended_at, "found": found}
        print(json.dumps(answer), file=answers)


def finish(*command: str, **told: str) -> None:
    """Run a program of this environment to its end.  Raises ``CalledProcessError``."""
    subprocess.run(  # noqa: S603 (the commands are ours)
        command, env={**os.environ, **told}, stdout=2, check=True
    )


@contextmanager
def running(*command: str, **told: str) -> Iterator[Program]:
    """Run a program of this environment, such as a worker, until the block ends."""
    process = subprocess.Popen(  # noqa: S603 (the commands are ours)
        command, env={**os.environ, **told}, stdout=2
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until(
    holds: Callable[[], Any],
    *,
    of: Program | None = None,
    within: float = 120.0,
    every: float = 0.01,
) -> Any:
    """Return the first true answer of *holds*, which the program *of* has to live for.

    Raises ``TimeoutError`` and ``ChildProcessError``.
    """
    ends_at = time.monotonic() + within
    while not (found := holds()):
        if time.monotonic() > ends_at:
            raise TimeoutError(f"not within {within:g} s")
        if of is not None and of.poll() is not None:
            raise ChildProcessError(f"{of.args!r} ended with {of.returncode}")
        time.sleep(every)
    return found


def home() -> Path:
    """Return the folder in which a contestant keeps what it needs."""
    return Path(os.environ["BENCHMARK_HOME"])


def port() -> int:
    """Return a free port, for the one server that a contestant may need."""
    return int(os.environ["BENCHMARK_PORT"])
