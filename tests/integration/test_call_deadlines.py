"""Whatever a peer does, a call is over when its time is over, and its thread is free again."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import requests
from pipeline_engine_actions.integration.http_request import HttpRequest
from support.contexts import a_context
from support.local_service import SomeSettings, local_service

from pipeline_engine.sdk import PeerApi, Peers, ServiceError
from pipeline_engine.sdk.addresses import AddressGuard
from pipeline_engine.sdk.guarded_http import GuardedSession
from pipeline_engine.sdk.look_ups import resolved_within

SECONDS = 0.5
#: For a machine that is busy with other tests; without the deadline none of these calls ends.
AT_MOST = 10.0

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
#: What a peer says first, and then for ever, each time after a moment.
TRICKS: dict[str, tuple[bytes, bytes]] = {
    "nothing": (b"", b""),
    "informational answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a status line byte by byte": (b"HTTP/1.1 200 ", b"O"),
    "a header byte by byte": (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"),
    "a body byte by byte": (HEAD + b"Content-Length: 99999999\r\n\r\n", b" "),
    "a body without an end": (HEAD + b"\r\n", b" "),
    "small chunks": (CHUNKED, b"1\r\n \r\n"),
    "a chunk extension": (CHUNKED + b"1;", b"x"),
    "trailers": (CHUNKED + b"2\r\n{}\r\n0\r\n", b"X-Trailer: again\r\n"),
    "one trailer byte by byte": (CHUNKED + b"2\r\n{}\r\n0\r\nX-Trailer: ", b"x"),
    "blocks that hold nothing": (
        HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"")[:10],
        b"\x00\x00\x00\xff\xff",
    ),
    "empty members": (HEAD + b"Content-Encoding: gzip\r\n\r\n", gzip.compress(b"")),
}


@contextmanager
def peer(talk: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """A server that gives every connection to *talk*, until the test is over."""
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            talk(connection, over)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threads.append(threading.Thread(target=serve, args=[listener.accept()[0]]))
                threads[-1].start()

    threads.append(threading.Thread(target=accept))
    threads[0].start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in threads:
            thread.join()


def saying(first: bytes, again: bytes) -> Callable[[socket.socket, threading.Event], None]:
    def talk(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(first)
        while not over.wait(0.02):
            connection.sendall(again)

    return talk


def requested(url: str, **params: Any) -> str:
    guard = AddressGuard.of(["127.0.0.0/8"])
    door = PeerApi(Peers(SomeSettings()))
    door.http_session = lambda: GuardedSession(guard)  # type: ignore[method-assign]
    params = {"url": url, "timeout_seconds": SECONDS, **params}
    return str(HttpRequest().execute(a_context(params, engine=door)).error)


def invoked(url: str) -> str:
    peers = Peers(SomeSettings(service_urls={"budapp": url}))
    try:
        peers.invoke("budapp", "x", timeout_seconds=SECONDS)
    except ServiceError as error:
        return str(error)
    finally:
        peers.close()
    return "no error"


@pytest.mark.parametrize("call", [requested, invoked])
@pytest.mark.parametrize("trick", TRICKS)
def test_a_peer_that_never_comes_to_an_end_is_hung_up_on(trick, call):
    with peer(saying(*TRICKS[trick])) as url:
        began = time.monotonic()
        error = call(url)

    assert "timed out after" in error or "did not answer in" in error
    assert time.monotonic() - began < AT_MOST


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_peer_that_does_not_read_is_hung_up_on(scheme):
    def deaf(connection: socket.socket, over: threading.Event) -> None:
        over.wait(60)

    with peer(deaf) as url:
        address = url.replace("http", scheme)
        error = requested(address, method="POST", body="x" * 50_000_000)

    assert "timed out" in error


def test_a_handshake_byte_by_byte_is_hung_up_on():
    # A TLS record that says it is long, and then comes slowly.
    with peer(saying(b"\x16\x03\x03\x40\x00", b"\x02")) as url:
        assert "timed out" in requested(url.replace("http", "https"))


def test_addresses_that_do_not_answer_share_the_time_of_the_call():
    with unanswering() as (host, port):

        def three_times(name: str, _: int, **__: Any) -> list[tuple[Any, ...]]:
            return 3 * socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)

        guard = AddressGuard.of(["127.0.0.0/8"], look_up=three_times)
        began = time.monotonic()
        with GuardedSession(guard) as session, pytest.raises(requests.Timeout):
            session.get(f"http://silent.example:{port}/", timeout=SECONDS)

    assert time.monotonic() - began < 2.5 * SECONDS + 1


@contextmanager
def unanswering() -> Iterator[tuple[str, int]]:
    """A listener whose queue is full: further connections are neither taken nor refused."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(address)
        try:
            yield address
        finally:
            for sock in waiting:
                sock.close()


def test_a_name_server_that_does_not_answer_holds_nobody_up():
    over = threading.Event()

    def silent(_: str, __: int, **___: Any) -> list[tuple[Any, ...]]:
        over.wait(60)
        return []

    guard = AddressGuard.of(look_up=silent)
    try:
        with GuardedSession(guard) as session, pytest.raises(requests.Timeout):
            session.get("http://slow.example/", timeout=SECONDS)
    finally:
        over.set()


def test_what_a_look_up_refuses_is_raised_where_it_was_asked():
    def refuse(_: str, __: int) -> list[Any]:
        raise LookupError("no such name")

    with pytest.raises(LookupError):
        resolved_within(5, refuse, "name.example", 80)


def test_redirects_share_the_time_of_the_call():
    def redirecting(connection: socket.socket, over: threading.Event) -> None:
        while connection.recv(65_536) and not over.wait(SECONDS * 0.4):
            connection.sendall(
                b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n"
            )

    guard = AddressGuard.of(["127.0.0.0/8"])
    with (
        peer(redirecting) as url,
        GuardedSession(guard) as session,
        pytest.raises(requests.Timeout),
    ):
        session.get(url, timeout=SECONDS)


def test_a_connection_of_the_pool_is_watched_in_every_call_that_uses_it():
    def once(connection: socket.socket, over: threading.Event) -> None:
        connection.recv(65_536)
        connection.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}")
        connection.recv(65_536)
        saying(*TRICKS["trailers"])(connection, over)

    with peer(once) as url:
        peers = Peers(SomeSettings(service_urls={"budapp": url}))
        assert peers.invoke("budapp", "x", timeout_seconds=AT_MOST) == {}
        with pytest.raises(ServiceError, match="did not answer in"):
            peers.invoke("budapp", "x", timeout_seconds=SECONDS)
        peers.close()


def test_a_webhook_for_notifications_that_never_ends_is_hung_up_on():
    with peer(saying(*TRICKS["trailers"])) as url:
        settings = SomeSettings(notification_webhook_url=url, http_allowed_hosts=("127.0.0.0/8",))
        peers = Peers(settings)
        with pytest.raises(ServiceError, match="did not answer in"):
            peers.publish({}, timeout_seconds=SECONDS)
        peers.close()


def test_threads_that_met_such_peers_serve_the_next_call():
    with peer(saying(*TRICKS["trailers"])) as url, local_service() as good:
        good.answer("GET /", {})
        before = threading.active_count()
        stuck = [threading.Thread(target=requested, args=[url]) for _ in range(15)]
        for thread in stuck:
            thread.start()
        for thread in stuck:
            thread.join(AT_MOST)

        assert not any(thread.is_alive() for thread in stuck)
        assert threading.active_count() <= before + 16  # those of the peer
        assert requested(f"{good.url}/") == "None"
