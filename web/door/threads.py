"""The threads in which Flask runs, and the line in front of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any, Generic, TypeVar, cast

Result = TypeVar("Result")


class TooMany(Exception):
    """The line is full, or it took too long: this work was not begun."""


class _Job(Generic[Result]):
    """Something to do, and who wants to know what came of it."""

    __slots__ = ("_call", "_due_at", "_future", "_loop")

    def __init__(self, call: Callable[[], Result], due_at: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._future: asyncio.Future[tuple[Result | None, BaseException | None]] = (
            self._loop.create_future()
        )
        self._call, self._due_at = call, due_at

    def run(self) -> None:
        """Do it, in a thread, and tell the loop."""
        outcome: Result | None = None
        error: BaseException | None = None
        try:
            if time.monotonic() > self._due_at:
                raise TooMany
            outcome = self._call()
        except BaseException as raised:  # noqa: BLE001 (it is raised again where it was asked for)
            error = raised
        with suppress(RuntimeError):  # the loop has ended, and nobody waits any more
            self._loop.call_soon_threadsafe(self._tell, outcome, error)

    def _tell(self, outcome: Result | None, error: BaseException | None) -> None:
        if not self._future.done():
            # Not set_exception: a future cannot hold every kind of exception.
            self._future.set_result((outcome, error))

    async def outcome(self) -> Result:
        """What came of it."""
        outcome, error = await self._future
        if error is not None:
            raise error
        return cast(Result, outcome)


class Threads:
    """So many threads, and so many places in the line. Its methods belong to the loop."""

    def __init__(self, count: int, *, queued: int, queue_seconds: float) -> None:
        self.count = count
        self.busy = 0  #: jobs that are under way, those in the line included
        self._most = count + queued
        self._queue_seconds = queue_seconds
        self._jobs: SimpleQueue[_Job[Any] | None] = SimpleQueue()
        self._moved_at = time.monotonic()
        for number in range(count):
            # Daemons: a thread that never comes back must not keep the process alive.
            Thread(target=self._work, name=f"web-{number}", daemon=True).start()

    async def run(self, call: Callable[[], Result]) -> Result:
        """What *call* returns, or raises, in a thread.  Raises ``TooMany``."""
        if self.busy >= self._most:
            raise TooMany
        now = time.monotonic()
        if self.busy < self.count:
            self._moved_at = now
        job = _Job(call, due_at=now + self._queue_seconds)
        self.busy += 1
        self._jobs.put(job)
        try:
            return await job.outcome()
        finally:
            self.busy -= 1
            self._moved_at = time.monotonic()

    def stuck_seconds(self) -> float:
        """For how long all threads have been busy without any coming back; mostly 0."""
        return time.monotonic() - self._moved_at if self.busy >= self.count else 0.0

    def stop(self) -> None:
        """Let the threads end when they have done what is in the line."""
        for _ in range(self.count):
            self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job.run()
            del job  # not kept until the next one comes
