"""The ASGI application: a request is read whole, then a thread, or a coroutine, answers it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from pipeline_engine.errors import PipelineEngineError
from pipeline_engine.services.health import Health, Part
from pipeline_engine.services.streams import Follow

from .. import marks
from ..health import health_document, readiness_document
from ..holding import DESK, Desk, Hold, Right, Told
from ..problems import UNEXPECTED
from .answers import (
    ABORT,
    OVERLOADED,
    SHUTTING_DOWN,
    Answer,
    Receive,
    Scope,
    Send,
    header_of,
    marked_json,
    problem_for,
    until_left,
)
from .bridge import WsgiApp, call, environ_of
from .followers import StreamRoom
from .limits import Limits
from .looking import Lookout
from .parents import leave_with_parent
from .proxies import seen_through
from .streaming import Line, Streamed, come_back_later
from .threads import Threads, TooMany
from .waiting import WaitingRoom

#: Names in the state of the lifespan, which every connection can see.
LIMITS, CLOSING = "limits", "closing"
HEALTH = frozenset({"/health", "/api/v1/health"})
READINESS = frozenset({"/ready", "/api/v1/ready"})
REFUSED = (b"x-wait-refused", b"too_many_waiting")

#: The database is away, the execution is gone, or all threads are busy.
NO_NEWS = (SQLAlchemyError, PipelineEngineError, TooMany)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Behind:
    """What stands behind a door."""

    app: WsgiApp
    look: Callable[[], Health]  #: how the parts are; may take seconds
    ended: Callable[[Collection[UUID]], Collection[UUID]]  #: which of these executions have ended
    news: Callable[[Sequence[Follow]], Sequence[Told | None]]  #: what followers are told next
    stop: Callable[[], None]


class Door:
    """One process's door. It is opened by the lifespan, inside the loop."""

    def __init__(self, behind: Behind, limits: Limits) -> None:
        self._behind = behind
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or live and let live (the lifespan)."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
            return
        scope = seen_through(scope, hops=self._limits.trusted_proxies)
        try:
            answer = await self._answer(scope, receive)
        except asyncio.CancelledError:  # the time for a graceful end is up
            answer = problem_for(scope, SHUTTING_DOWN)
        except (Exception, SystemExit) as error:  # whatever it was, the client gets an answer
            log.error("request_failed", path=scope["path"], exc_info=error)
            answer = problem_for(scope, UNEXPECTED)
        if answer is not None:
            await answer.send(send)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer | Streamed | None:
        """The answer; null if the client has left."""
        body = await _whole_body(receive)
        if body is None:
            return None
        if scope["path"] in HEALTH | READINESS and scope["method"] in {"GET", "HEAD"}:
            return await self._how_it_is(scope)
        desk = Desk()
        environ = {**environ_of(scope, body), DESK: desk}
        try:
            answer = await self._threads.run(partial(call, self._behind.app, environ))
        except TooMany:
            return come_back_later(scope) or problem_for(scope, OVERLOADED)
        if desk.stream is not None:
            line = Line(receive, scope["extensions"][ABORT]["now"], self._limits.request_seconds)
            return Streamed(answer, desk.stream, self._streams, line)
        if desk.hold is None:
            return answer
        return await self._held_back(answer, desk.hold, receive)

    # ── Answers that are held back ───────────────────────────────────────────────────────

    async def _held_back(self, answer: Answer, hold: Hold, receive: Receive) -> Answer | None:
        """*answer*, as it is when the execution has ended or the client's time is up."""
        if self._room.is_full:
            return answer.with_header(*REFUSED)
        ended = asyncio.create_task(self._room.until_ended(hold.execution_id))
        left = asyncio.create_task(until_left(receive))
        closing = asyncio.create_task(self._closing.wait())
        waits = (ended, left, closing)
        try:
            await asyncio.wait(waits, timeout=hold.seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if left.done() and not left.cancelled():
            return None
        return await self._brought_up_to_date(answer, hold)

    async def _brought_up_to_date(self, answer: Answer, hold: Hold) -> Answer:
        try:
            return answer.with_body(await self._threads.run(hold.body_now))
        except NO_NEWS as error:  # the execution is stored: say so, even if it is old news
            log.warning("answered_from_copy", error=repr(error))
            return answer

    async def _ended(self, ids: Collection[UUID]) -> Collection[UUID]:
        try:
            return await self._threads.run(partial(self._behind.ended, ids))
        except NO_NEWS as error:  # ask again
            log.warning("waiting_without_news", error=repr(error))
            return ()

    # ── Answers that go on ───────────────────────────────────────────────────────────────

    async def _news(self, follows: Sequence[Follow]) -> Sequence[Told | None]:
        try:
            return await self._threads.run(partial(self._behind.news, follows))
        except NO_NEWS as error:  # ask again
            log.warning("following_without_news", error=repr(error))
        except Exception as error:  # one bad row must not end the looks of all who follow
            log.error("look_for_news_failed", exc_info=error)
        return [None] * len(follows)

    async def _holds(self, right: Right) -> bool:
        try:
            return await self._threads.run(right.holds)
        except NO_NEWS as error:  # ask again, some time later
            log.warning("right_not_checked", error=repr(error))
            return True

    async def _end_streams(self) -> None:
        await self._closing.wait()
        self._streams.close()

    # ── Health ───────────────────────────────────────────────────────────────────────────

    async def _how_it_is(self, scope: Scope) -> Answer:
        found = (await self._lookout.finding()).beside(self._own_part())
        name = marks.correlation_id(header_of(scope, marks.CORRELATION.lower().encode()))
        marked = partial(marked_json, scheme=scope["scheme"], name=name)
        if scope["path"] in HEALTH:
            return marked(200, health_document(found))
        return marked(200 if found.is_ready else 503, readiness_document(found))

    def _own_part(self) -> Part:
        """How this process is: stuck if its threads are all busy and none comes back."""
        threads = self._threads
        seconds = threads.stuck_seconds()
        busy = min(threads.busy, threads.count)
        note = f"{busy} of {threads.count} threads busy"
        if seconds < self._limits.stuck_seconds:
            return Part("web", True, note)
        return Part("web", False, f"{note}, and none came back for {seconds:.0f} s")

    # ── Life ─────────────────────────────────────────────────────────────────────────────

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        limits = self._limits
        self._threads = Threads(
            limits.threads, queued=limits.queued, queue_seconds=limits.queue_seconds
        )
        self._lookout = Lookout(self._behind.look)
        self._room = WaitingRoom(self._ended, most=limits.waiting)
        self._streams = StreamRoom(
            self._news,
            self._holds,
            most=limits.streams,
            check_seconds=limits.stream_check_seconds,
        )
        self._closing = asyncio.Event()
        ending = asyncio.create_task(self._end_streams())
        scope["state"].update({LIMITS: limits, CLOSING: self._closing})
        leave_with_parent()
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        ending.cancel()
        self._threads.stop()
        self._lookout.stop()
        self._behind.stop()
        await send({"type": "lifespan.shutdown.complete"})


async def _whole_body(receive: Receive) -> bytes | None:
    """The body of a request; null if its client left before it was whole."""
    chunks = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunks.append(message["body"])
        if not message["more_body"]:
            return b"".join(chunks)
