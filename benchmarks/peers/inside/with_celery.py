"""Plain Celery: a chain, and a chord, with stock settings on Redis."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery, chain, chord

from benchmarks.peers.inside import work

app = Celery("fibo", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])
WORKER = (
    "celery",
    "-A",
    "benchmarks.peers.inside.with_celery",
    "worker",
    "--concurrency=1",
    "--loglevel=WARNING",
)


@app.task(name="step")
def step(number: int, n: int) -> int:
    """Compute."""
    return work.do_step(number, n)


@app.task(name="join")
def join(numbers: list[int], items: int) -> int:
    """Add up."""
    return work.do_join(items, numbers)


def run(workload: work.Workload) -> int:
    """Publish, and wait for the results."""
    canvases = [canvas(first, workload) for first in workload.firsts]
    results = work.together(lambda one: one.apply_async(), canvases)
    return sum(result.get(timeout=120) for result in results)


def canvas(first: int, workload: work.Workload) -> Any:
    """Return one workflow of the workload."""
    steps = [step.si(number, workload.fibo) for number in range(first, first + workload.items)]
    return chord(steps, join.s(workload.items)) if workload.joined else chain(*steps)


if __name__ == "__main__":
    with work.running(*WORKER) as worker:
        work.wait_until(lambda: app.control.ping(timeout=0.5), of=worker)
        work.answer_requests(run)
