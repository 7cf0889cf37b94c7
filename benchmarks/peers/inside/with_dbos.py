"""DBOS: workflows of steps in this process, with their state in PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from dbos import DBOS

from benchmarks.peers.inside import work

QUEUE = "items"
WAIT_SECONDS = 600
DBOS(config={"name": "fibo", "system_database_url": os.environ["DATABASE_URL"]})


@DBOS.step()
def step(number: int, n: int) -> int:
    """Compute."""
    return work.do_step(number, n)


@DBOS.step()
async def async_step(number: int, n: int) -> int:
    """Compute."""
    return work.do_step(number, n)


@DBOS.step()
def join(items: int, numbers: list[int]) -> int:
    """Add up."""
    return work.do_join(items, numbers)


@DBOS.workflow()
def in_a_row(first: int, items: int, n: int) -> int:
    """Take one step after the other."""
    numbers: list[int] = [step(number, n) for number in range(first, first + items)]
    return numbers[-1]


@DBOS.workflow()
def waiting(first: int, n: int) -> int:
    """Take a step, wait for a message, take another."""
    step(first, n)
    DBOS.recv(timeout_seconds=WAIT_SECONDS)
    found: int = step(first + 1, n)
    return found


@DBOS.workflow()
def through_a_queue(items: int, n: int) -> int:
    """Enqueue the items as durable tasks, as the documentation of queues does."""
    handles = [DBOS.enqueue_workflow(QUEUE, step, number, n) for number in range(items)]
    total: int = join(items, [handle.get_result() for handle in handles])
    return total


@DBOS.workflow()
async def gathered(items: int, n: int) -> int:
    """Take the items as steps of one workflow, concurrently."""
    numbers = await asyncio.gather(*[async_step(number, n) for number in range(items)])
    total: int = join(items, list(numbers))
    return total


def run(workload: work.Workload) -> Any:
    """Call the workflow, or start the workflows and wait for them."""
    if workload.shape is work.Shape.SIGNAL:
        return signals(workload)
    if workload.shape is work.Shape.CROWD:
        return crowd(workload)
    if not workload.joined:
        return in_a_row(0, workload.items, workload.fibo)
    if "--gathered" in sys.argv:
        return asyncio.run(gathered(workload.items, workload.fibo))
    return through_a_queue(workload.items, workload.fibo)


def crowd(workload: work.Workload) -> int:
    """Start all rows before the first is waited for."""

    def start(first: int) -> Any:
        return DBOS.start_workflow(in_a_row, first, workload.items, workload.fibo)

    return sum(handle.get_result() for handle in work.together(start, workload.firsts))


def signals(workload: work.Workload) -> work.Signalled:
    """Start all that wait, and send each its message."""
    handles = {
        first: DBOS.start_workflow(waiting, first, workload.fibo) for first in workload.firsts
    }
    return work.signal_each(
        workload,
        send=lambda first: DBOS.send(handles[first].workflow_id, "go"),
        end=lambda first: handles[first].get_result(),
    )


if __name__ == "__main__":
    DBOS.launch()
    DBOS.register_queue(QUEUE)
    work.answer_requests(run)
    DBOS.destroy()
