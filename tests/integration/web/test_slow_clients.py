"""A client that is slow holds no thread; one that is too slow is told so, and sent away."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from socket import socket
from threading import Event

import pytest
from flask import Flask
from support.door_server import Limits, Site, received, replies, running_door
from support.waiting import wait_until

POST = b"POST /echo HTTP/1.1\r\nHost: test\r\n"
SLOW = {
    "half a head": POST,
    "half a body": POST + b"Content-Length: 10\r\n\r\nhell",
    "half a chunk": POST + b"Transfer-Encoding: chunked\r\n\r\na\r\nhell",
    "chunks without an end": POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nh\r\n",
}
REQUEST_SECONDS = 0.3


@pytest.fixture
def go_on() -> Iterator[Event]:
    """What the views of these tests wait for."""
    event = Event()
    yield event
    event.set()


def make_app(go_on: Event) -> Flask:
    app = Flask("slow")

    @app.post("/echo")
    def echo() -> dict[str, object]:
        return {}

    @app.get("/stuck")
    def stuck() -> dict[str, object]:
        go_on.wait(20)
        return {}

    return app


@pytest.fixture
def many(go_on: Event) -> Iterator[Site]:
    """A server with two threads."""
    with running_door(make_app(go_on), Limits(threads=2)) as site:
        yield site


@pytest.fixture
def strict(go_on: Event) -> Iterator[Site]:
    """A server without patience."""
    with running_door(make_app(go_on), Limits(request_seconds=REQUEST_SECONDS)) as site:
        yield site


def opened(site: Site, stack: ExitStack, text: bytes, count: int = 1) -> list[socket]:
    found = [stack.enter_context(closing(site.connect())) for _ in range(count)]
    for connection in found:
        connection.sendall(text)
    return found


@pytest.mark.parametrize("text", SLOW.values(), ids=SLOW)
def test_many_slow_clients_hold_nobody_up(many: Site, text: bytes) -> None:
    with ExitStack() as stack:
        opened(many, stack, text, count=100)

        began_at = time.monotonic()
        (reply,) = many.raw(POST + b"Connection: close\r\nContent-Length: 2\r\n\r\n{}")

    assert reply.status == 200
    assert time.monotonic() - began_at < 5


@pytest.mark.parametrize("text", SLOW.values(), ids=SLOW)
def test_a_request_that_never_ends_is_408(strict: Site, text: bytes) -> None:
    (reply,) = strict.raw(text)

    assert (reply.status, reply.json["code"]) == (408, "request_timeout")
    assert reply.headers["connection"] == "close"


def test_a_client_that_trickles_is_408_too(strict: Site) -> None:
    """The bound is on the whole request, not on the pauses in it."""
    with closing(strict.connect()) as connection:
        connection.sendall(POST + b"Content-Length: 1000000\r\n\r\n")
        connection.settimeout(0.02)
        found = b""
        while not found:
            try:
                connection.sendall(b"x")
                found = connection.recv(65536)
            except TimeoutError:
                continue

    assert replies(found)[0].status == 408


@pytest.mark.parametrize("text", [b"", b"\r\n"], ids=["nothing", "an empty line"])
def test_who_asks_nothing_is_closed_without_an_answer(strict: Site, text: bytes) -> None:
    assert strict.raw(text) == []


def test_line_breaks_between_requests_keep_no_connection_open(strict: Site) -> None:
    with closing(strict.connect()) as connection:
        connection.sendall(POST + b"Content-Length: 0\r\n\r\n")
        (reply,) = replies(connection.recv(65536))
        connection.sendall(b"\r\n")
        assert received(connection) == b""

    assert reply.status == 200


def test_beyond_the_threads_and_the_line_a_request_is_503(go_on: Event) -> None:
    bounds = Limits(threads=1, queued=1)
    with running_door(make_app(go_on), bounds) as site, ExitStack() as stack:
        held = opened(site, stack, b"GET /stuck HTTP/1.1\r\nHost: test\r\n\r\n", count=2)
        wait_until(lambda: busy(site) == 1, what="a busy thread")
        reply = wait_until(lambda: overloaded(site), what="a full line")
        stream = site.get("/stream", Accept="text/event-stream")
        go_on.set()
        first = [connection.recv(65536) for connection in held]

    assert reply.json["code"] == "overloaded"
    assert int(reply.headers["retry-after"]) >= 1
    assert all(b"200 OK" in text for text in first)
    # A browser that follows would not come back after a 503.
    assert (stream.status, stream.headers["content-type"]) == (200, "text/event-stream")
    assert b"\nretry: " in stream.body


def test_a_request_that_stood_in_line_for_too_long_is_not_begun(go_on: Event) -> None:
    bounds = Limits(threads=1, queue_seconds=0.1)
    with running_door(make_app(go_on), bounds) as site, ExitStack() as stack:
        opened(site, stack, b"GET /stuck HTTP/1.1\r\nHost: test\r\n\r\n")
        wait_until(lambda: busy(site) == 1, what="a busy thread")
        (late,) = opened(site, stack, b"GET /stuck HTTP/1.1\r\nHost: test\r\n\r\n")
        Event().wait(0.2)
        go_on.set()
        found = late.recv(65536)

    assert b"503" in found.partition(b"\r\n")[0]


def test_health_is_answered_when_all_threads_are_busy_and_readiness_says_so(
    go_on: Event,
) -> None:
    bounds = Limits(threads=1, stuck_seconds=0.2)
    with running_door(make_app(go_on), bounds) as site, ExitStack() as stack:
        opened(site, stack, b"GET /stuck HTTP/1.1\r\nHost: test\r\n\r\n")
        stuck = wait_until(lambda: not_ready(site), what="a process that is not ready")
        health = site.get("/api/v1/health", **{"X-Correlation-ID": "mine"})
        go_on.set()
        ready = wait_until(lambda: site.get("/ready").status == 200, what="a free thread")

    assert [p["name"] for p in stuck.json["parts"] if not p["is_well"]] == ["web"]
    assert (health.status, health.json["status"]) == (200, "degraded")
    assert health.headers["x-correlation-id"] == "mine"
    assert health.headers["cache-control"] == "no-store"
    assert ready


def test_beyond_the_connections_a_client_is_503(go_on: Event) -> None:
    with running_door(make_app(go_on), Limits(connections=2)) as site, ExitStack() as stack:
        opened(site, stack, POST, count=2)
        refused = stack.enter_context(closing(site.connect()))
        (reply,) = replies(received(refused))

    assert (reply.status, reply.json["code"]) == (503, "overloaded")


def test_a_request_that_is_on_its_way_is_finished_when_the_server_stops(go_on: Event) -> None:
    with running_door(make_app(go_on)) as site, ExitStack() as stack:
        (connection,) = opened(site, stack, b"GET /stuck HTTP/1.1\r\nHost: test\r\n\r\n")
        wait_until(lambda: busy(site) == 1, what="a busy thread")
        site.server.should_exit = True
        wait_until(lambda: is_closed(site), what="a server that takes nobody any more")
        go_on.set()
        (reply,) = replies(received(connection))

    assert (reply.status, reply.headers["connection"]) == (200, "close")


def is_closed(site: Site) -> bool:
    try:
        site.connect().close()
    except ConnectionRefusedError:
        return True
    return False


def busy(site: Site) -> int:
    (part,) = [p for p in site.get("/ready").json["parts"] if p["name"] == "web"]
    return int(part["note"].split()[0])


def overloaded(site: Site):
    with closing(site.connect(seconds=0.5)) as connection:
        connection.sendall(POST + b"Connection: close\r\nContent-Length: 0\r\n\r\n")
        try:
            (reply,) = replies(received(connection))
        except TimeoutError:
            return None
    return reply if reply.status == 503 else None


def not_ready(site: Site):
    reply = site.get("/ready")
    return reply if reply.status == 503 else None
