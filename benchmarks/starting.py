"""The row about starting: how soon ``POST /executions`` is answered."""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from benchmarks.bench import Bench
from benchmarks.clients import Post, steadily
from benchmarks.judging import Outcome, Rounds, Target
from benchmarks.latency import compared, latencies
from benchmarks.plain_route import PATH
from benchmarks.shapes import small
from benchmarks.workers import API_TOKEN

EXECUTIONS = "/api/v1/executions"
HEADERS = {"Authorization": f"Bearer {API_TOKEN}"}


@dataclass(frozen=True, slots=True)
class StartAnswers:
    """Starts at a steady rate; what they start runs beside them."""

    per_second: int
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
            plain = steadily(bench.plain.port, plain_posts, per_second=self.per_second)
            engine = steadily(bench.web.port, posts, per_second=self.per_second)
            bench.engine.wait_for_completion()
            return plain, engine

        found = rounds.of(both)
        plain, engine = [f[0] for f in found], [f[1] for f in found]
        return Outcome(
            row=self.name,
            work=f"{self.per_second} times a second POST /executions, 20 steps each",
            against="Flask, one row",
            figures=[
                compared(50, engine, plain, self.target),
                compared(99, engine, plain),
            ],
            rounds=latencies(engine=engine, plain=plain, percents=(50, 99)),
        )
