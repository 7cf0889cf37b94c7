"""Answers that go on: a coroutine each, told by the room of followers what to send.

One whose client takes nothing any more is cut off; the client comes back to where it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from .. import marks, sse
from ..holding import Stream
from .answers import Answer, Receive, Scope, Send, header_of, length_of, until_left
from .followers import Follower, Goodbye, StreamRoom

#: After this long without news there is a sign of life; a client that is gone is noticed by it.
HEARTBEAT_SECONDS = 15.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Line:
    """The connection to one client."""

    receive: Receive
    abort: Callable[[], None]  #: closes it at once, whatever is still to be sent
    patience: float  #: seconds for which the client may take nothing


class Streamed:
    """An answer that goes on until its end, or until its client has left."""

    def __init__(
        self,
        answer: Answer,
        wish: Stream,
        room: StreamRoom,
        line: Line,
    ) -> None:
        self._head = {
            "status": answer.status,
            "headers": [h for h in answer.headers if h[0] != b"content-length"],
        }
        self._wish = wish
        self._room = room
        self._line = line

    async def send(self, send: Send) -> None:
        """Send it as it comes."""
        await send({"type": "http.response.start", **self._head})
        if self._room.is_full:
            # Not a 503: a browser does not come back after anything but a 200.
            words = sse.comment("too many streams") + sse.retry(sse.COME_BACK_LATER)
            await self._put(send, words, more=False)
            return
        follower = self._room.enter(self._wish)
        left = asyncio.create_task(until_left(self._line.receive))
        left.add_done_callback(lambda _: follower.dismiss())
        try:
            await self._go_on(follower, send)
        except TimeoutError:
            log.info("stream_not_read", seconds=self._line.patience)
            self._line.abort()
            await asyncio.wait({left})  # so that nobody takes the answer for unfinished
        finally:
            left.cancel()
            self._room.leave(follower)

    async def _go_on(self, follower: Follower, send: Send) -> None:
        await self._put(send, sse.retry() + self._wish.first)
        while True:
            self._room.wants_more(follower)
            said = await follower.next(HEARTBEAT_SECONDS)
            is_last = isinstance(said, Goodbye) or (said is not None and said.is_over)
            await self._put(send, sse.HEARTBEAT if said is None else said.body, more=not is_last)
            if is_last:
                return

    async def _put(self, send: Send, body: bytes, *, more: bool = True) -> None:
        async with asyncio.timeout(self._line.patience):
            await send({"type": "http.response.body", "body": body, "more_body": more})


def come_back_later(scope: Scope) -> Answer | None:
    """What a browser is told that wants a stream while there is no thread to look at its wish.

    Null for other requests: they are told 503, after which a browser would not come back.
    """
    if header_of(scope, b"accept") != sse.CONTENT_TYPE:
        return None
    name = marks.correlation_id(header_of(scope, marks.CORRELATION.lower().encode()))
    fields = dict(marks.of_response(name, is_secure=scope["scheme"] == "https")) | sse.HEADERS
    body = sse.comment("the server has more to do than it can") + sse.retry(sse.COME_BACK_LATER)
    headers = [(key.lower().encode(), value.encode()) for key, value in fields.items()]
    kind = (b"content-type", sse.CONTENT_TYPE.encode())
    return Answer(200, [kind, length_of(body), *headers], body)
