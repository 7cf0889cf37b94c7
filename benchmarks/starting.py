"""The row about starting: how soon ``POST /executions`` is answered."""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from benchmarks.bench import Bench
from benchmarks.clients import Post, one_by_one
from benchmarks.judging import Outcome, Rounds, Target
from benchmarks.latency import compared, latencies
from benchmarks.plain_route import PATH
from benchmarks.shapes import small
from benchmarks.workers import API_TOKEN

EXECUTIONS = "/api/v1/executions"
HEADERS = {"Authorization": f"Bearer {API_TOKEN}"}


@dataclass(frozen=True, slots=True)
class StartAnswers:
    """One start after the other by one client; what it starts runs beside the next one."""

    count: int
    target: Target
    name: str = "start"

    def measure(self, bench: Bench, rounds: Rounds) -> Outcome:
        """Measure both sides in turns."""
        body = orjson.dumps(
            {"pipeline_id": str(bench.engine.store(small().document)), "params": {}}
        )
        plain_posts = [Post(PATH, body, 202)] * self.count
        posts = [Post(EXECUTIONS, body, 201, HEADERS)] * self.count

        def both() -> tuple[list[float], list[float]]:
            plain = one_by_one(bench.plain.port, plain_posts)
            engine = one_by_one(bench.web.port, posts)
            bench.engine.wait_for_completion()
            return plain, engine

        found = rounds.of(both)
        plain, engine = [f[0] for f in found], [f[1] for f in found]
        return Outcome(
            row=self.name,
            work="POST /executions of a stored pipeline of 20 steps",
            against="Flask, one row",
            figures=[
                compared(50, engine, plain, self.target),
                compared(99, engine, plain),
            ],
            rounds=latencies(engine=engine, plain=plain, percents=(50, 99)),
        )
