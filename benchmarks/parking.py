"""The row about parked steps: they hold rows, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from benchmarks.bench import Bench
from benchmarks.callbacks import parked_steps, waiting
from benchmarks.judging import Figure, Outcome, Rounds, at_most
from benchmarks.processes import memory
from benchmarks.rates import MILLI
from pipeline_engine.dispatch.messages import RETENTION, SWEEP
from pipeline_engine.scheduler.sweep import sweep

PER_EXECUTION = 100
FLAT_PERCENT = 10.0
SETTLE_SWEEPS = 3


@dataclass(frozen=True, slots=True)
class Parked:
    """Worker slots, sweeps and memory while *count* steps are parked.

    A tenth of them is parked before memory is first looked at, so that everything that comes
    with the first parked step is there already.
    """

    count: int
    name: str = "parked"

    def measure(self, bench: Bench, rounds: Rounds) -> Outcome:
        """Park once, and look at it in every round."""
        sweep(bench.runtime)  # connects
        idle = rounds.of(lambda: _swept(bench))
        first = max(self.count // 10, 1)
        _park(bench, first)
        before = _settled_memory(bench)
        _park(bench, self.count - first)
        after = _settled_memory(bench)
        slots = [float(_busy_slots(bench)) for _ in range(rounds.count)]
        swept = rounds.of(lambda: _swept(bench))
        growth = [100 * (after[pid] / before[pid] - 1) for pid in before if pid in after]
        return Outcome(
            row=self.name,
            work=f"{self.count:,} parked steps",
            against=f"none; memory with {first:,}",
            figures=(
                Figure(name="busy slots", value=max(slots), unit="", target=at_most(0)),
                Figure(
                    name="one sweep",
                    value=median(swept),
                    unit="ms",
                    target=at_most(10),
                    ours=median(swept),
                    theirs=median(idle),
                    measured_in=" ms",
                ),
                Figure(
                    name="memory of all; growth of the worst",
                    value=max(growth),
                    unit="%",
                    target=at_most(FLAT_PERCENT),
                    ours=sum(after.values()),
                    theirs=sum(before.values()),
                    measured_in=" MiB",
                ),
            ),
            rounds={"busy_slots": slots, "sweep_ms": swept, "sweep_before_ms": idle},
        )


def _park(bench: Bench, count: int) -> None:
    """Park *count* steps more, and wait until they are."""
    size = min(PER_EXECUTION, count)
    pipeline_id = bench.engine.store(waiting(size))
    ids = [bench.engine.start(pipeline_id) for _ in range(count // size)]
    parked_steps(bench, ids, count // size * size)


def _swept(bench: Bench) -> float:
    """Return the milliseconds of one sweep."""
    began_at = time.perf_counter()
    sweep(bench.runtime)
    return MILLI * (time.perf_counter() - began_at)


def _settled_memory(bench: Bench) -> Mapping[int, float]:
    """Look at web and workers once they have swept a few times."""
    time.sleep(SETTLE_SWEEPS * bench.settings.sweep_interval_seconds)
    return memory([*bench.worker_pids, bench.web.pid])


def _busy_slots(bench: Bench) -> int:
    """Count the tasks that the workers have in hand, sweeps apart."""
    inspected = bench.runtime.dispatch.app.control.inspect(timeout=0.5)
    active = [task for tasks in (inspected.active() or {}).values() for task in tasks]
    return sum(task["name"] not in {SWEEP, RETENTION} for task in active)
