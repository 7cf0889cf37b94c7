"""A real web server in a thread of the test: the door, in front of whatever application."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib import import_module
from threading import Thread
from typing import Any

import orjson
import uvicorn

from pipeline_engine.services.health import Health, Part
from support.waiting import wait_until

door = import_module("pipeline_engine_web.door")
limits = import_module("pipeline_engine_web.door.limits")
serving = import_module("pipeline_engine_web.door.serving")

Limits = limits.Limits
WELL = Health((Part("database", True, "connected"), Part("migrations", True, "0001")))


@dataclass
class Reply:
    """What came back over a bare connection."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass
class Site:
    """A running server."""

    port: int
    server: uvicorn.Server

    def connect(self, seconds: float = 10) -> socket.socket:
        """A bare connection, for what no client library sends."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=seconds)

    def raw(self, *parts: bytes) -> list[Reply]:
        """Send *parts* one after the other, and read replies until the server closes."""
        with closing(self.connect()) as connection:
            for part in parts:
                connection.sendall(part)
            return replies(received(connection))

    def get(self, path: str, **headers: str) -> Reply:
        """One ordinary request."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"GET {path} HTTP/1.1\r\nHost: test\r\n{lines}Connection: close\r\n\r\n"
        return self.raw(head.encode())[0]


@contextmanager
def running_door(
    app: Any,
    bounds: Any = None,
    *,
    look: Any = lambda: WELL,
    ended: Any = lambda ids: (),
    news: Any = lambda follows: [None] * len(follows),
) -> Iterator[Site]:
    """Serve *app*, which is WSGI, on a free port."""
    behind = door.Behind(app=app, look=look, ended=ended, news=news, stop=lambda: None)
    made = door.Door(behind, bounds or Limits())
    server = uvicorn.Server(serving.config_of(made, "127.0.0.1", 0))
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        thread = Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            wait_until(lambda: server.started or not thread.is_alive(), what="a server")
            yield Site(listening.getsockname()[1], server)
        finally:
            server.should_exit = True
            thread.join(timeout=30)
        assert not thread.is_alive()


def received(connection: socket.socket) -> bytes:
    """Everything until the server closes, or resets."""
    found = b""
    try:
        while part := connection.recv(65536):
            found += part
    except ConnectionResetError:
        pass
    return found


def replies(text: bytes) -> list[Reply]:
    """The replies in what came; each has a length."""
    found = []
    while text:
        head, _, text = text.partition(b"\r\n\r\n")
        status_line, *lines = head.decode("latin-1").split("\r\n")
        headers = {n.lower(): v for n, _, v in (line.partition(": ") for line in lines)}
        length = int(headers.get("content-length", 0))
        found.append(Reply(int(status_line.split()[1]), headers, text[:length]))
        text = text[length:]
    return found
