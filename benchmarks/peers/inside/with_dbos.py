"""DBOS: workflows of steps in this process, with their state in PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import sys

from dbos import DBOS

from benchmarks.peers.inside import work

QUEUE = "items"
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
def in_a_row(items: int, n: int) -> int:
    """Take one step after the other."""
    numbers: list[int] = [step(number, n) for number in range(items)]
    return numbers[-1]


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


def run(workload: work.Workload) -> int:
    """Call the workflow."""
    if not workload.joined:
        found: int = in_a_row(workload.items, workload.fibo)
    elif "--gathered" in sys.argv:
        found = asyncio.run(gathered(workload.items, workload.fibo))
    else:
        found = through_a_queue(workload.items, workload.fibo)
    return found


if __name__ == "__main__":
    DBOS.launch()
    DBOS.register_queue(QUEUE)
    work.answer_requests(run)
    DBOS.destroy()
