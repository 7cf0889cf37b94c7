"""The row about owners: how long five steps take beside somebody who has queued thousands."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from uuid import UUID

from benchmarks.bench import Bench
from benchmarks.engine import STARTERS
from benchmarks.judging import Outcome, Rounds, Target
from benchmarks.latency import compared, latencies
from benchmarks.ledger import Incomplete
from benchmarks.shapes import Document, five_calls, five_steps, many_calls, many_steps

SMALL, LARGE = "small", "large"  #: the two owners
PERCENTS = (50, 90)
MOST_ROUNDS = 3  #: each queues thousands of steps, and lets them all end


@dataclass(frozen=True, slots=True)
class Fair:
    """Executions of five steps at a steady rate, alone and while another owner's steps queue up."""

    count: int  #: of small executions in a round
    per_second: float
    cheap: int  #: steps that the other owner has queued when it begins
    blocking: int
    target: Target
    name: str = "fair"

    def measure(self, bench: Bench, rounds: Rounds) -> Outcome:
        """Measure cheap steps, then blocking ones, each alone and beside the others."""
        rounds = replace(rounds, count=min(rounds.count, MOST_ROUNDS))
        cheap = rounds.of(lambda: self._both(bench, five_steps(), many_steps, self.cheap))
        url = bench.peer_url
        calls = rounds.of(
            lambda: self._both(bench, five_calls(url), lambda n: many_calls(n, url), self.blocking)
        )
        figures = []
        for name, found in (("cheap, ", cheap), ("calls, ", calls)):
            alone, beside = [f[0] for f in found], [f[1] for f in found]
            figures += [
                compared(50, beside, alone, self.target, name=name),
                compared(90, beside, alone, name=name),
            ]
        return Outcome(
            row=self.name,
            work=f"5 steps beside {self.cheap} cheap and {self.blocking} blocking ones of another",
            against="the same alone",
            figures=figures,
            rounds=latencies(
                cheap_alone=[f[0] for f in cheap],
                cheap_beside=[f[1] for f in cheap],
                calls_alone=[f[0] for f in calls],
                calls_beside=[f[1] for f in calls],
                percents=PERCENTS,
            ),
        )

    def _both(
        self, bench: Bench, five: Document, many: Callable[[int], Document], queued: int
    ) -> tuple[list[float], list[float]]:
        engine = bench.engine
        small, large = engine.store(five, SMALL), engine.store(many(100), LARGE)
        alone = self._latencies(bench, small)
        with engine.paused(), ThreadPoolExecutor(STARTERS) as starters:
            list(starters.map(lambda _: engine.start(large, LARGE), range(queued // 100)))
        beside = self._latencies(bench, small)
        if not _open(bench, large):
            raise Incomplete(f"{self.name}: the other owner had too little to do")
        engine.wait_for_completion()
        return alone, beside

    def _latencies(self, bench: Bench, pipeline_id: UUID) -> list[float]:
        began = time.monotonic()
        ids = []
        for number in range(self.count):
            time.sleep(max(0.0, began + number / self.per_second - time.monotonic()))
            ids.append(bench.engine.start(pipeline_id, SMALL))
        bench.engine.wait_for_completion(ids)
        return _took(bench, ids)


def _took(bench: Bench, ids: Sequence[UUID]) -> list[float]:
    """Seconds from the start to the end of each, by the clock of the database."""
    with bench.runtime.engine.connect() as connection:
        found = connection.exec_driver_sql(TOOK, {"ids": [str(one) for one in ids]})
        return [float(row[0]) for row in found]


def _open(bench: Bench, pipeline_id: UUID) -> int:
    with bench.runtime.engine.connect() as connection:
        found = connection.exec_driver_sql(OPEN, {"id": str(pipeline_id)})
        return int(found.scalar_one())


TOOK = """
SELECT extract(epoch FROM finished_at - created_at) FROM executions WHERE id = ANY(%(ids)s::uuid[])
"""
OPEN = """
SELECT count(*) FROM executions WHERE pipeline_id = %(id)s::uuid
    AND status IN ('PENDING', 'RUNNING')
"""
