"""Temporal: the development server on a database file, a worker with one slot, this client."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from temporalio import activity, workflow
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from benchmarks.peers.inside import work

QUEUE = "fibo"
WITHIN = timedelta(minutes=10)
MODULE = "benchmarks.peers.inside.with_temporal"


@activity.defn
def step(number: int, n: int) -> int:
    """Compute."""
    return work.do_step(number, n)


@activity.defn
def join(items: int, numbers: list[int]) -> int:
    """Add up."""
    return work.do_join(items, numbers)


async def run_step(number: int, n: int) -> int:
    """Have a worker compute."""
    found: int = await workflow.execute_activity(
        step, args=[number, n], start_to_close_timeout=WITHIN
    )
    return found


@workflow.defn
class InARow:
    """One step after the other."""

    @workflow.run
    async def run(self, first: int, items: int, n: int) -> int:
        """Return what the last one found."""
        found = 0
        for number in range(first, first + items):
            found = await run_step(number, n)
        return found


@workflow.defn
class Mapped:
    """Items, and the sum of what they found."""

    @workflow.run
    async def run(self, items: int, n: int) -> int:
        """Return the sum."""
        numbers = await asyncio.gather(*(run_step(number, n) for number in range(items)))
        total: int = await workflow.execute_activity(
            join, args=[items, numbers], start_to_close_timeout=WITHIN
        )
        return total


@workflow.defn
class Waiting:
    """A step, a wait for a signal, a step."""

    def __init__(self) -> None:
        self._signalled = False

    @workflow.run
    async def run(self, first: int, n: int) -> int:
        """Return what the second step found."""
        await run_step(first, n)
        await workflow.wait_condition(lambda: self._signalled)
        return await run_step(first + 1, n)

    @workflow.signal
    def signal(self) -> None:
        """Let it go on."""
        self._signalled = True


class Caller:
    """The client, in the loop of this process."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self._runner = runner
        self._client: Client | None = None
        self._round = 0

    def connects(self) -> bool:
        """Tell whether the server is up."""
        try:
            self._client = self._runner.run(connected())
        except (RPCError, RuntimeError):
            return False
        return True

    def run(self, workload: work.Workload) -> Any:
        """Start the workflows and wait for what they return."""
        self._round += 1
        if workload.shape is work.Shape.SIGNAL:
            return self._signals(workload)
        if workload.joined:
            ends = [self._end(Mapped.run, 0, workload.items, workload.fibo)]
        else:
            ends = [
                self._end(InARow.run, first, first, workload.items, workload.fibo)
                for first in workload.firsts
            ]
        return sum(self._runner.run(gathered(ends)))

    def _signals(self, workload: work.Workload) -> work.Signalled:
        starts = [
            self._start(Waiting.run, first, first, workload.fibo) for first in workload.firsts
        ]
        handles = dict(zip(workload.firsts, self._runner.run(gathered(starts)), strict=True))
        return work.signal_each(
            workload,
            send=lambda first: self._runner.run(handles[first].signal(Waiting.signal)),
            end=lambda first: self._runner.run(handles[first].result()),
        )

    async def _end(self, run: Any, first: int, *arguments: int) -> int:
        found: int = await (await self._start(run, first, *arguments)).result()
        return found

    async def _start(self, run: Any, first: int, *arguments: int) -> WorkflowHandle[Any, int]:
        assert self._client is not None
        return await self._client.start_workflow(
            run, args=arguments, id=f"{self._round}-{first}", task_queue=QUEUE
        )


async def gathered(coroutines: list[Coroutine[Any, Any, Any]]) -> list[Any]:
    """Run them together."""
    return list(await asyncio.gather(*coroutines))


async def connected() -> Client:
    """Return a client of the server."""
    return await Client.connect(f"127.0.0.1:{work.port()}")


async def serve() -> None:
    """Work as a process with one slot for activities."""
    with ThreadPoolExecutor(1) as slot:
        await Worker(
            await connected(),
            task_queue=QUEUE,
            workflows=[InARow, Mapped, Waiting],
            activities=[step, join],
            activity_executor=slot,
            max_concurrent_activities=1,
        ).run()


def main() -> None:
    """Run server and worker, and answer."""
    # Its other ports are free ones that it finds itself.
    file = str(work.home() / "temporal.db")
    server = ("temporal", "server", "start-dev", "--headless", "--log-level", "warn")
    where = ("--ip", "127.0.0.1", "--port", str(work.port()), "--db-filename", file)
    with asyncio.Runner() as runner, work.running(*server, *where) as started:
        caller = Caller(runner)
        work.wait_until(caller.connects, of=started, every=0.2)
        with work.running(sys.executable, "-m", MODULE, "worker"):
            work.answer_requests(caller.run)


if __name__ == "__main__":
    if "worker" in sys.argv:
        asyncio.run(serve())
    else:
        main()
