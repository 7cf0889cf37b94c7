"""A crowd that follows what happens, and one that waits beside it."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from operator import eq
from selectors import EVENT_READ, DefaultSelector
from threading import Event, Thread

from benchmarks.bench import Bench
from benchmarks.callbacks import parked_steps, waiting
from benchmarks.crowds import CONNECT_SECONDS, waiting_clients
from benchmarks.engine import until
from benchmarks.ledger import Incomplete
from benchmarks.workers import API_TOKEN
from pipeline_engine.embedded.ports import LOOPBACK

#: Of six, so many follow one execution each.
OF_SIX, FOLLOW_ONE = 6, 4
POLL_SECONDS = 0.2
#: A server takes in a few hundred at a time, and sends others away.
AT_ONCE = 100


@contextmanager
def following_clients(bench: Bench, size: int) -> Iterator[list[socket.socket]]:
    """Four of six follow a parked execution each, one follows everything, one waits for an end."""
    waits = size // OF_SIX
    of_one, of_all = size * FOLLOW_ONE // OF_SIX, size - waits - size * FOLLOW_ONE // OF_SIX
    pipeline_id = bench.engine.store(waiting(1))
    ids = [bench.engine.start(pipeline_id) for _ in range(of_one)]
    parked_steps(bench, ids, of_one)
    paths = [*(f"/executions/{one}/stream" for one in ids), *["/stream"] * of_all]
    with waiting_clients(bench, waits) as waiters, _readers(bench.web.port, paths):
        yield waiters


@contextmanager
def _readers(port: int, paths: Sequence[str]) -> Iterator[None]:
    """Have a client for each of *paths* that reads what it is told, while the block runs."""
    with ExitStack() as stack:
        selector, told, over = stack.enter_context(DefaultSelector()), set[int](), Event()
        thread = Thread(target=_read, args=(selector, told, over))
        thread.start()
        try:
            for number, path in enumerate(paths, start=1):
                client = socket.create_connection((LOOPBACK, port), timeout=CONNECT_SECONDS)
                client.sendall(_request(path))
                selector.register(stack.enter_context(closing(client)), EVENT_READ)
                if number % AT_ONCE == 0 or number == len(paths):
                    until(lambda: len(told), partial(eq, number), f"{number} who follow")
            yield
            if len(told) != len(paths):
                raise Incomplete(f"{len(paths) - len(told)} of those who follow were sent away")
        finally:
            over.set()
            thread.join()


def _read(selector: DefaultSelector, told: set[int], over: Event) -> None:
    while not over.is_set():
        for key, _ in selector.select(POLL_SECONDS):
            words = key.fileobj.recv(65536)  # type: ignore[union-attr]
            if key.fd in told or words.startswith(b"HTTP/1.1 200 "):
                told.add(key.fd)
            if not words:
                told.discard(key.fd)
                selector.unregister(key.fileobj)


def _request(path: str) -> bytes:
    return (
        f"GET /api/v1{path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {API_TOKEN}\r\n\r\n"
    ).encode()
