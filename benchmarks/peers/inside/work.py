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
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

LEDGER_VARIABLE = "BENCHMARK_LEDGER"
RECORD = struct.Struct("<qd")  # as benchmarks.ledger reads it
STOP_WITHIN_SECONDS = 20.0
CLIENTS = 8  #: Connections of a caller that starts many workflows
SETTLE_SECONDS = 0.3  #: From the step before a wait until the wait is certain to be stored

Program: TypeAlias = "subprocess.Popen[bytes]"
Argument = TypeVar("Argument")
Found = TypeVar("Found")


class Shape(Enum):
    """How the steps of a workload hang together."""

    ROW = "one after the other"
    MAP = "items, and a step that adds up what they found"
    SIGNAL = "workflows of a step, a wait for a signal, and a step behind it"
    CROWD = "rows that are under way together"


@dataclass(frozen=True)
class Workload:
    """So many times ``fibo(fibo)`` in one workflow, or in each of several."""

    name: str
    items: int  #: steps or items of a workflow
    fibo: int
    shape: Shape = Shape.ROW
    workflows: int = 1
    counts: bool = True  #: or it only warms a contestant up

    @property
    def joined(self) -> bool:
        """Whether a step adds up what the others found."""
        return self.shape is Shape.MAP

    @property
    def firsts(self) -> range:
        """The number of the first step of each workflow; the others count on from there."""
        return range(0, self.workflows * self.items, self.items)

    @property
    def records(self) -> int:
        """How many records it must leave in the ledger."""
        return self.workflows * self.items + self.joined

    @property
    def answer(self) -> int:
        """What it must come to: the sum of a map, or of the last numbers of all workflows."""
        return fibonacci(self.fibo) * (self.items if self.joined else self.workflows)


@dataclass(frozen=True)
class Signalled:
    """What the workflows of a signal found, and when each was sent its signal."""

    found: int
    sent_at: Sequence[float]


def fibo(n: int) -> int:
    """Return a Fibonacci number in the naive way, which is the work."""
    return n if n < 2 else fibo(n - 1) + fibo(n - 2)


def fibonacci(n: int) -> int:
    """Return the same number without the work."""
    number, following = 0, 1
    for _ in range(n):
        number, following = following, number + following
    return number


#: Windmill's two, maps, signals and a crowd; three small ones start and connect everything.
WORKLOADS = (
    Workload("warm-row", items=5, fibo=10, counts=False),
    Workload("warm-map", items=5, fibo=10, shape=Shape.MAP, counts=False),
    Workload("warm-signal", items=2, fibo=10, shape=Shape.SIGNAL, workflows=2, counts=False),
    Workload("short", items=40, fibo=10),
    Workload("long", items=10, fibo=33),
    Workload("map-100", items=100, fibo=10, shape=Shape.MAP),
    Workload("map-400", items=400, fibo=10, shape=Shape.MAP),
    Workload("map-1000", items=1000, fibo=10, shape=Shape.MAP),
    Workload("signal", items=2, fibo=10, shape=Shape.SIGNAL, workflows=40),
    Workload("crowd", items=20, fibo=10, shape=Shape.CROWD, workflows=100),
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
        if isinstance(found, Signalled):
            answer |= {"found": found.found, "sent_at": found.sent_at}
        print(json.dumps(answer), file=answers)


def together(call: Callable[[Argument], Found], arguments: Iterable[Argument]) -> list[Found]:
    """Return what *call* returned for each argument, called by a few threads."""
    with ThreadPoolExecutor(CLIENTS) as clients:
        return list(clients.map(call, arguments))


def wait_until_all_wait(workload: Workload) -> None:
    """Wait until each workflow has run the step before its wait, and a little longer.

    All the same for everybody: not everybody can be asked whether a workflow waits.
    """
    ledger = Path(os.environ[LEDGER_VARIABLE])
    size = workload.workflows * RECORD.size
    wait_until(lambda: ledger.exists() and ledger.stat().st_size >= size)
    time.sleep(SETTLE_SECONDS)


def signal_each(
    workload: Workload, send: Callable[[int], None], end: Callable[[int], int]
) -> Signalled:
    """Signal one workflow after the other, each when the one before has ended.

    *send* and *end* are given the number of a workflow's first step; *end* returns what the
    workflow found.
    """
    wait_until_all_wait(workload)
    sent_at, found = [], 0
    for first in workload.firsts:
        sent_at.append(time.time())
        send(first)
        found += end(first)
    return Signalled(found, sent_at)


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


def port(which: int = 0) -> int:
    """Return a free port for a server that a contestant needs; it may have four."""
    return int(os.environ["BENCHMARK_PORTS"].split()[which])
