"""Bytes become a request, or a problem: uvicorn's protocol with bounds, and errors of our form.

llhttp, which parses, is strict: it refuses a length beside chunks, two lengths, odd chunk sizes,
folded fields and bare line feeds. What it lets pass is refused here: RFC 9112 §3.2, §6.1 and §6.3.
"""

from __future__ import annotations

import asyncio
import socket
from asyncio.events import TimerHandle
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from ..problems import Problem, of_http
from .answers import ABORT, OVERLOADED, problem
from .application import CLOSING, LIMITS
from .limits import HEAD_BYTES, HEADER_FIELDS, URL_BYTES, Limits

#: For a client that still sends when it has been refused: time to read why, before a reset.
LINGER_SECONDS = 2.0
#: of a path that is not answered
SHOWN_BYTES = 256
OF_UPGRADES = frozenset({b"upgrade", b"http2-settings"})


class Refused(Exception):
    """This request is not read any further."""

    def __init__(self, found: Problem) -> None:
        super().__init__(found.detail)
        self.problem = found


def _refused(status: HTTPStatus, detail: str) -> Refused:
    return Refused(of_http(status, detail))


class Protocol(HttpToolsProtocol):
    """One connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has come."""
        super().connection_made(transport)
        self.limits: Limits = self.app_state[LIMITS]
        self._running: RequestResponseCycle | None = None
        self._timer: TimerHandle | None = None
        self._lingers = False
        self._is_reading = self._in_head = self._upgrades = False
        self._begun = self._read = self._fields = self._head_bytes = self._body_bytes = 0
        self.url, self.headers = b"", []
        self._give_up_on_the_vanished(transport)
        if len(self.connections) > self.limits.connections:
            self._refuse(OVERLOADED)
        else:
            self._start_timer()

    def _give_up_on_the_vanished(self, transport: asyncio.Transport) -> None:
        """Have the system end a connection whose client acknowledges nothing any more.

        One that is gone without a word, as with a cable, is noticed by what is sent to it: a
        stream by its signs of life.
        """
        connection = transport.get_extra_info("socket")
        if connection is not None and connection.family in {socket.AF_INET, socket.AF_INET6}:
            milliseconds = int(self.limits.request_seconds * 1000)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client, or we, have gone."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what has come, as far as it goes."""
        if self._lingers:
            return
        self._unset_keepalive_if_required()
        try:
            self._feed(data)
        except Refused as refused:
            self._refuse(refused.problem)
        except httptools.HttpParserInvalidMethodError:
            self._refuse(of_http(HTTPStatus.NOT_IMPLEMENTED, "This method is not known."))
        except httptools.HttpParserError as error:
            self._refuse(_of_parser(error))
        else:
            self._watch_the_clock()

    def _feed(self, data: bytes) -> None:
        # Of a head that began in the middle of what has come, only the rest is counted.
        is_of_one_head = self._in_head or not self._is_reading
        self._begun = 0
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as stopped:
            # We know one protocol only, and RFC 9110 §7.8 lets us ignore the wish for another.
            head = self._head_without_upgrade(self.parser.get_method())
            self.parser = httptools.HttpRequestParser(self)
            self._feed(head + data[stopped.args[0] :])
        if self._in_head and is_of_one_head and self._begun <= 1:
            self._read += len(data)
            if self._read > URL_BYTES + HEAD_BYTES:
                raise _HEAD_TOO_LARGE

    # ── What the parser says ─────────────────────────────────────────────────────────────

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {"now": self.transport.abort}}
        self._is_reading = self._in_head = True
        self._begun += 1
        self._read = self._fields = self._head_bytes = self._body_bytes = 0

    def on_url(self, url: bytes) -> None:
        """A part of the target."""
        super().on_url(url)
        if len(self.url) > URL_BYTES:
            raise _refused(
                HTTPStatus.REQUEST_URI_TOO_LONG, f"The URL has more than {URL_BYTES} bytes."
            )

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header field, or a trailer: the latter is no part of what was authenticated."""
        self._fields += 1
        self._head_bytes += len(name) + len(value)
        if self._fields > HEADER_FIELDS or self._head_bytes > HEAD_BYTES:
            raise _HEAD_TOO_LARGE
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole: the request may be answered as soon as its body is."""
        self._in_head = False
        if self.parser.should_upgrade():
            self._upgrades = True
            return
        self._check_head()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._body_bytes += len(body)
        if self._body_bytes > self.limits.body_bytes:
            raise self._too_large()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        if self._upgrades:
            return  # what follows is read by another parser
        self._is_reading = False
        super().on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    # ── What we do not take ──────────────────────────────────────────────────────────────

    def _check_head(self) -> None:
        """Raise ``Refused`` for a head that RFC 9112 has us refuse."""
        version = self.parser.get_http_version()
        if version not in {"1.0", "1.1"}:
            raise _refused(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "This server speaks HTTP/1.1.")
        found: dict[bytes, list[bytes]] = {}
        for name, value in self.headers:
            found.setdefault(name, []).append(value)
        if len(found.get(b"host", ())) != 1 and (version == "1.1" or b"host" in found):
            raise _refused(HTTPStatus.BAD_REQUEST, "A request has one Host.")
        codings = found.get(b"transfer-encoding")
        if codings and version == "1.0":
            raise _refused(HTTPStatus.BAD_REQUEST, "HTTP/1.0 has no Transfer-Encoding.")
        if codings and [c.strip().lower() for c in codings] != [b"chunked"]:
            raise _refused(HTTPStatus.NOT_IMPLEMENTED, "The only Transfer-Encoding is chunked.")
        expected = [value.lower() for value in found.get(b"expect", ())]
        if expected and expected != [b"100-continue"]:
            raise _refused(HTTPStatus.EXPECTATION_FAILED, "The only Expect is 100-continue.")
        # The parser has seen to it that this is one number.
        if int(found.get(b"content-length", [b"0"])[0]) > self.limits.body_bytes:
            raise self._too_large()

    def _too_large(self) -> Refused:
        detail = f"The body has more than {self.limits.body_bytes} bytes."
        return _refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)

    def _head_without_upgrade(self, method: bytes) -> bytes:
        """The head that was just read, as a client writes it that wants HTTP/1.1."""
        if method == b"CONNECT":
            raise _refused(HTTPStatus.NOT_IMPLEMENTED, "This server is no proxy.")
        self._upgrades = False
        lines = [method + b" " + self.url + b" HTTP/1.1"]
        for name, value in self.headers:
            if name == b"connection":
                tokens = [token.strip() for token in value.split(b",")]
                kept = b", ".join(t for t in tokens if t.lower() not in OF_UPGRADES)
                lines.append(b"connection: " + kept)
            elif name not in OF_UPGRADES:
                lines.append(name + b": " + value)
        return b"\r\n".join([*lines, b"", b""])

    def _refuse(self, found: Problem) -> None:
        """Answer with *found*, after what came before it, and close the connection."""
        self._stop_timer()
        running = self._running
        if running is not None and not running.response_complete and not self._is_own(running):
            self._answer_what_came_before(running)
            return
        if running is not None and not running.response_complete:
            running.disconnected = True  # whoever waits for the rest of it is told to go
            running.message_event.set()
        self.transport.write(self._written(found))
        self._close_slowly()

    def _answer_what_came_before(self, running: RequestResponseCycle) -> None:
        """Take nothing more; the answer to the last whole request closes the connection."""
        self._lingers = True
        if self.pipeline and self.pipeline[0][0].more_body:
            self.pipeline.popleft()
        last = self.pipeline[0][0] if self.pipeline else running
        last.keep_alive = False

    def _is_own(self, running: RequestResponseCycle) -> bool:
        """Whether the request that is refused is the one that is being answered."""
        return running is self.cycle and running.more_body and not running.response_started

    def _written(self, found: Problem) -> bytes:
        given = dict(self.headers).get(b"x-correlation-id", b"").decode("latin-1")
        path = self.url.partition(b"?")[0][:SHOWN_BYTES].decode("latin-1")
        answer = problem(found, path=path, scheme=self.scheme or "http", given_name=given)
        closing = (b"connection", b"close")
        headers = [*self.server_state.default_headers, *answer.headers, closing]
        head = [STATUS_LINE[answer.status], *(n + b": " + v + b"\r\n" for n, v in headers)]
        return b"".join([*head, b"\r\n", answer.body])

    def _close_slowly(self) -> None:
        """Say that we are done, and let the client finish: a reset would take the answer away."""
        self._lingers = True
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    # ── Time ─────────────────────────────────────────────────────────────────────────────

    def _watch_the_clock(self) -> None:
        if not (self._is_reading or self._is_idle):
            self._stop_timer()
        elif self._timer is None:
            self._start_timer()

    @property
    def _is_idle(self) -> bool:
        """Whether nothing is being answered, so that only line breaks can have come."""
        return self._running is None or self._running.response_complete

    def _start_timer(self) -> None:
        self._timer = self.loop.call_later(self.limits.request_seconds, self._too_slow)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        self._timer = None
        if self.flow.read_paused:
            self._start_timer()  # it is us who do not read: an earlier request takes long
        elif self._is_reading:
            seconds = f"{self.limits.request_seconds:g}"
            detail = f"The request was not whole within {seconds} seconds."
            self._refuse(of_http(HTTPStatus.REQUEST_TIMEOUT, detail))
        else:
            self.transport.close()  # nothing was asked, so there is nothing to answer

    def on_response_complete(self) -> None:
        """An answer is written, as far as we are concerned."""
        super().on_response_complete()
        if self.transport.get_write_buffer_size():
            self.loop.call_later(self.limits.request_seconds, self._unread, self._running)

    def _unread(self, answered: RequestResponseCycle | None) -> None:
        """Give up on a client that does not read its answer."""
        if self._running is answered and self.transport.get_write_buffer_size():
            self.transport.abort()

    def shutdown(self) -> None:
        """This process is being stopped: answer what is held back, then close."""
        self.app_state[CLOSING].set()
        super().shutdown()


_HEAD_TOO_LARGE = _refused(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    f"There are more than {HEADER_FIELDS} header fields, or {HEAD_BYTES} bytes of them.",
)


def _of_parser(error: httptools.HttpParserError) -> Problem:
    cause = error.__cause__ or error.__context__
    if isinstance(cause, Refused):
        return cause.problem
    if isinstance(error, httptools.HttpParserCallbackError):
        return of_http(HTTPStatus.BAD_REQUEST, "The target of the request cannot be read.")
    return of_http(HTTPStatus.BAD_REQUEST, f"This is not HTTP: {error}.")
