"""Receivers that hang, drip, or never end; raw sockets on the loopback address."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
ENDLESS = 5 * 1024**3
PIECE = b"x" * 65_536


@dataclass
class BadReceiver:
    """What it was sent, how much of its answer was taken, and where it is."""

    url: str
    requests: int = 0
    sent: int = 0  #: bytes of bodies
    over: threading.Event = field(default_factory=threading.Event)


Manner = Callable[[socket.socket, BadReceiver], None]


def hang(_: socket.socket, state: BadReceiver) -> None:
    """Say nothing."""
    state.over.wait(30)


def drip(connection: socket.socket, state: BadReceiver) -> None:
    """Say a byte every now and then: no time-out of a read ever strikes."""
    connection.sendall(HEAD % ENDLESS)
    while not state.over.wait(0.1):
        connection.sendall(b"x")


def pour(connection: socket.socket, state: BadReceiver) -> None:
    """Say more than anybody wants to hear."""
    connection.sendall(HEAD % ENDLESS)
    while not state.over.is_set():
        state.sent += connection.send(PIECE)


@contextmanager
def bad_receiver(manner: Manner) -> Iterator[BadReceiver]:
    """Listen until the block is over."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        state = BadReceiver(f"http://127.0.0.1:{server.getsockname()[1]}/in")

        def serve(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                connection.recv(65_536)
                state.requests += 1
                manner(connection, state)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    threading.Thread(target=serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield state
        state.over.set()
        server.shutdown(socket.SHUT_RDWR)
