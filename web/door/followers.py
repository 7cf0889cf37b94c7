"""Who follows, and one look for all of them.

A follower is asked for again when he has taken what he was told, so a slow one is behind and holds
up nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

import structlog

from pipeline_engine.services.streams import Follow

from .. import sse
from ..holding import Right, Stream, Told

log = structlog.get_logger(__name__)

#: Pauses between two looks for all, in seconds: the first after something has happened.
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 0.5
#: Those who come at once, or have more to be told, are looked for together, so many at a time.
TOGETHER_SECONDS, BEHIND_AT_ONCE = 0.02, 50

#: What each is told next; null for those about whom nobody can say anything now.
Look = Callable[[Sequence[Follow]], Awaitable[Sequence[Told | None]]]
#: Whether a right still holds.
Check = Callable[[Right], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Goodbye:
    """The last words to a follower."""

    body: bytes


class Follower:
    """One client that follows something."""

    __slots__ = ("_said", "_waits", "follow", "is_behind", "right", "takes")

    def __init__(self, wish: Stream) -> None:
        self.follow = wish.follow
        self.right = wish.right
        self.takes = False  #: it has taken all that it was told
        self.is_behind = True  #: it is looked for at once
        self._said: Told | Goodbye | None = None
        self._waits = asyncio.Event()

    def tell(self, told: Told) -> None:
        """Hand over what is to be sent next, if that is anything, and where it is afterwards."""
        self.follow, self.is_behind = told.follow, told.has_more
        if told.body or told.is_over:
            self._say(told)

    def dismiss(self, body: bytes = b"") -> None:
        """Let it go, with these last words."""
        self._say(Goodbye(body))

    def ready(self) -> None:
        """Say that it has taken what it was told, unless there is something new."""
        self.takes = not self._waits.is_set()

    def _say(self, said: Told | Goodbye) -> None:
        if not isinstance(self._said, Goodbye):
            self.takes, self._said = False, said
            self._waits.set()

    async def next(self, seconds: float) -> Told | Goodbye | None:
        """What it is told; null after so long without any."""
        try:
            async with asyncio.timeout(seconds):
                await self._waits.wait()
        except TimeoutError:
            return None
        said = self._said
        if not isinstance(said, Goodbye):
            self._waits.clear()
        return said


class StreamRoom:
    """All followers of one process; it holds neither a thread nor a connection between looks."""

    def __init__(self, look: Look, check: Check, *, most: int, check_seconds: float) -> None:
        self._look_for = look
        self._check = check
        self._most = most
        self._check_seconds = check_seconds
        self._followers: set[Follower] = set()
        self._came = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def is_full(self) -> bool:
        """Whether nobody else may follow."""
        return len(self._followers) >= self._most

    def enter(self, wish: Stream) -> Follower:
        """Begin to follow."""
        follower = Follower(wish)
        self._followers.add(follower)
        if not self._tasks:
            self._tasks = [asyncio.create_task(c) for c in (self._go_on(), self._check_rights())]
        return follower

    def leave(self, follower: Follower) -> None:
        """Follow no more."""
        self._followers.discard(follower)
        if not self._followers:
            for task in self._tasks:
                task.cancel()
            self._tasks = []

    def wants_more(self, follower: Follower) -> None:
        """Say that a follower has taken all that it was told."""
        follower.ready()
        if follower.is_behind:
            self._came.set()

    def close(self) -> None:
        """This process is being stopped: let everybody go, each to come back at another time."""
        for follower in self._followers:
            follower.dismiss(sse.comment("the server is being stopped") + sse.retry())

    # ── Looks ────────────────────────────────────────────────────────────────────────────

    async def _go_on(self) -> None:
        loop = asyncio.get_running_loop()
        pause, look_at = FIRST_PAUSE, loop.time()
        while True:
            self._came.clear()
            is_time = loop.time() >= look_at
            due = [f for f in self._followers if f.takes and (is_time or f.is_behind)]
            has_news = await self._look(due if is_time else due[:BEHIND_AT_ONCE])
            if is_time:
                pause = FIRST_PAUSE if has_news else min(2 * pause, LONGEST_PAUSE)
                look_at = loop.time() + pause
            await asyncio.sleep(TOGETHER_SECONDS)
            if not any(f.takes and f.is_behind for f in self._followers):
                await self._sleep(look_at - loop.time())

    async def _look(self, due: Sequence[Follower]) -> bool:
        """Ask for these; whether there was anything to tell."""
        if not due:
            return False
        found = await self._look_for([follower.follow for follower in due])
        if not any(found):  # nobody can say: do not ask again at once
            await asyncio.sleep(LONGEST_PAUSE)
        told = [(f, said) for f, said in zip(due, found, strict=True) if said is not None]
        for follower, said in told:
            follower.tell(said)
        return any(said.body for _, said in told)

    async def _sleep(self, seconds: float) -> None:
        """Sleep until it is time, or until somebody wants more."""
        if seconds <= 0:
            return
        bell = asyncio.get_running_loop().call_later(seconds, self._came.set)
        try:
            await self._came.wait()
        finally:
            bell.cancel()

    # ── Rights ───────────────────────────────────────────────────────────────────────────

    async def _check_rights(self) -> None:
        while True:
            await asyncio.sleep(self._check_seconds)
            rights = {f.right.key: f.right for f in self._followers}
            for key, right in rights.items():
                if not await self._still_holds(right):
                    self._send_away(f for f in list(self._followers) if f.right.key == key)

    async def _still_holds(self, right: Right) -> bool:
        try:
            return await self._check(right)
        except Exception as error:  # whatever it was: it must not end the checks of all others
            log.error("right_not_checked", exc_info=error)
            return True

    def _send_away(self, followers: Iterable[Follower]) -> None:
        for follower in followers:
            follower.dismiss(sse.comment("the right to this has ended"))
