"""Who waits for the end of an execution: a coroutine each, and one question for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from uuid import UUID

#: Pauses between two looks at the same execution, in seconds.
FIRST_PAUSE, LONGEST_PAUSE = 0.005, 0.1  #: many executions have ended by the first look
#: Who would be asked about so soon is asked about along with the others.
TOGETHER_SECONDS = 0.01

AskEnded = Callable[[Collection[UUID]], Awaitable[Collection[UUID]]]


class _Waiter:
    """Somebody who waits."""

    __slots__ = ("due_at", "ended", "execution_id", "pause")

    def __init__(self, execution_id: UUID, now: float) -> None:
        self.execution_id = execution_id
        self.ended = asyncio.Event()
        self.pause = FIRST_PAUSE
        self.due_at = now + FIRST_PAUSE

    def not_yet(self, now: float) -> None:
        """Look again later, and less often the longer it takes."""
        self.pause = min(2 * self.pause, LONGEST_PAUSE)
        self.due_at = now + self.pause


class WaitingRoom:
    """Holds neither a thread nor a connection while nobody is due."""

    def __init__(self, ask_ended: AskEnded, *, most: int) -> None:
        self._ask_ended = ask_ended
        self._most = most
        self._waiters: set[_Waiter] = set()
        self._came = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def is_full(self) -> bool:
        """Whether nobody else may wait."""
        return len(self._waiters) >= self._most

    async def until_ended(self, execution_id: UUID) -> None:
        """Come back when the execution has ended; whoever cancels this leaves the room."""
        waiter = _Waiter(execution_id, asyncio.get_running_loop().time())
        self._waiters.add(waiter)
        self._came.set()
        if self._task is None:
            self._task = asyncio.create_task(self._look())
        try:
            await waiter.ended.wait()
        finally:
            self._waiters.discard(waiter)

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiters:
            self._came.clear()
            pause = min(waiter.due_at for waiter in self._waiters) - loop.time()
            if pause > 0:
                await self._sleep(pause)
                continue  # somebody may have come, or gone
            soon = loop.time() + TOGETHER_SECONDS
            due = [waiter for waiter in self._waiters if waiter.due_at <= soon]
            ended = await self._ask_ended({waiter.execution_id for waiter in due})
            for waiter in due:
                if waiter.execution_id in ended:
                    waiter.ended.set()
                    self._waiters.discard(waiter)
                else:
                    waiter.not_yet(loop.time())
        self._task = None

    async def _sleep(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        bell = loop.call_later(seconds, self._came.set)
        try:
            await self._came.wait()
        finally:
            bell.cancel()
