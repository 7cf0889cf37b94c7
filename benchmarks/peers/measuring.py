"""The figures of all contestants, one after the other, and how they compare."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from statistics import median

from benchmarks.peers.asking import Asked, Timing
from benchmarks.peers.contestants import Contestant
from benchmarks.peers.failures import ContestantFailed
from benchmarks.peers.inside.work import WORKLOADS, Workload, fibo
from benchmarks.peers.rows import Row

#: Starts a contestant; the value is what it is asked through.
Starting = Callable[["Outcome"], AbstractContextManager[Asked]]


@dataclass(slots=True)
class Outcome:
    """What a contestant did, or why it did not."""

    contestant: Contestant
    timings: dict[str, list[Timing]] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    failure: str | None = None
    load: float = 0.0  #: of the machine's last minute, before it started
    bare_seconds: float = 0.0  #: one fibo(33) of the work at that time: how fast the machine was

    @property
    def rounds(self) -> int:
        """How many rounds each median is of."""
        return max(map(len, self.timings.values()), default=0)

    def value(self, row: Row) -> float | None:
        """Return the median of its rounds."""
        timings = self.timings.get(row.workload)
        return median(map(row.of, timings)) if timings else None


def measure(
    contestant: Contestant, start: Starting, *, repeat: int, only: Collection[str] = ()
) -> Outcome:
    """Start *contestant* alone on the machine, warm it up, and time *repeat* rounds.

    With *only*, these workloads are timed and no others.

    A failure is an outcome, too: figures that were measured before it are not kept.
    """
    outcome = Outcome(contestant, load=round(os.getloadavg()[0], 2), bare_seconds=_bare_seconds())
    try:
        with start(outcome) as asked:
            rounds = min(repeat, contestant.rounds or repeat)
            outcome.timings = _rounds(asked, _workloads(contestant, only), rounds)
    except ContestantFailed as failure:
        outcome.failure = str(failure)
    return outcome


def _workloads(contestant: Contestant, only: Collection[str]) -> list[Workload]:
    """Return what it is asked for: what warms up, and what counts and is wanted."""
    return [
        workload
        for workload in WORKLOADS
        if workload.name in contestant.workloads
        and (not workload.counts or not only or workload.name in only)
    ]


def _rounds(asked: Asked, workloads: Sequence[Workload], repeat: int) -> dict[str, list[Timing]]:
    for workload in workloads:
        if not workload.counts:
            asked.time(workload)
    counted = [workload for workload in workloads if workload.counts]
    timings: dict[str, list[Timing]] = {workload.name: [] for workload in counted}
    for _ in range(repeat):
        for workload in counted:
            timings[workload.name].append(asked.time(workload))
    return timings


def _bare_seconds() -> float:
    began_at = time.perf_counter()
    fibo(33)
    return time.perf_counter() - began_at
