"""A TCP proxy before each server, in a process of its own: it delays, cuts, and loses answers."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from pipeline_engine.embedded.ports import LOOPBACK

START_WITHIN_SECONDS = 30.0


@dataclass(eq=False)
class _Route:
    """The way to one server, and what is to go wrong on it."""

    target: tuple[str, int]
    delay_seconds: float = 0.0
    lose_answer_to: bytes | None = None
    answers_lost: int = 0
    clients: set[_Client] = field(default_factory=set)

    def cut(self) -> int:
        """Break every connection at once."""
        clients = list(self.clients)
        for client in clients:
            client.break_off()
        return len(clients)

    def takes(self, request: bytes) -> bool:
        """Whether the answer to this request is the one to be lost."""
        if self.lose_answer_to is None or self.lose_answer_to not in request:
            return False
        self.lose_answer_to = None
        self.answers_lost += 1
        return True


class _End(asyncio.Protocol):
    """One end of a connection; what comes in here goes out at the other end."""

    def __init__(self, route: _Route) -> None:
        self.route = route
        self.other: _End | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.route.delay_seconds:
            loop = asyncio.get_running_loop()
            loop.call_later(self.route.delay_seconds, self.pass_on, data)
        else:
            self.pass_on(data)

    def pass_on(self, data: bytes) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.write(data)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 (asyncio's name)
        self.break_off()

    def break_off(self) -> None:
        for end in (self, self.other):
            if end is not None and end.transport is not None:
                end.transport.close()


class _Client(_End):
    """The end at which requests come in; it opens the way to the server."""

    def __init__(self, route: _Route) -> None:
        super().__init__(route)
        self.is_deaf = False
        self._early: list[bytes] = []
        self._opening: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.route.clients.add(self)
        self._opening = asyncio.get_running_loop().create_task(self._open())

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        server = _Server(self)
        try:
            await loop.create_connection(lambda: server, *self.route.target)
        except OSError:  # it is down: the client is told so at once
            self.break_off()
            return
        self.other = server
        early, self._early = self._early, []
        for data in early:
            self.pass_on(data)
        if self.transport is None or self.transport.is_closing():
            self.break_off()

    def pass_on(self, data: bytes) -> None:
        if self.other is None:
            self._early.append(data)
            return
        self.is_deaf = self.is_deaf or self.route.takes(data)
        super().pass_on(data)  # the server gets it; only its answer may be lost

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self.route.clients.discard(self)


class _Server(_End):
    """The end at which answers come in."""

    def __init__(self, client: _Client) -> None:
        super().__init__(client.route)
        self.other = self._client = client

    def pass_on(self, data: bytes) -> None:
        if self._client.is_deaf:
            self.break_off()
        else:
            super().pass_on(data)


class Proxy:
    """The proxies before some servers: ``with Proxy.start({"postgres": url}) as proxy``.

    They are another process, so that they and whoever makes the load do not wait for each other.
    """

    def __init__(
        self, process: Any, pipe: Connection[Any, Any], addresses: Mapping[str, str]
    ) -> None:
        self._process = process
        self._pipe = pipe
        self.addresses = addresses

    @classmethod
    def start(cls, urls: Mapping[str, str]) -> Self:
        """Stand before the servers of *urls*; ``addresses`` are the same through the proxy."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        targets = {name: _target(url) for name, url in urls.items()}
        process = context.Process(target=_serve, args=(theirs, targets), daemon=True, name="proxy")
        process.start()
        theirs.close()
        if not ours.poll(START_WITHIN_SECONDS):
            raise TimeoutError("The proxy did not start.")
        ports: Mapping[str, int] = ours.recv()
        return cls(process, ours, {n: _with_port(url, ports[n]) for n, url in urls.items()})

    @property
    def pid(self) -> int:
        """The process of the proxies."""
        return int(self._process.pid)

    def cut(self, name: str) -> int:
        """Break all connections to a server; returns how many there were."""
        return int(self._ask("cut", name))

    def delay(self, name: str, seconds: float) -> None:
        """Let every piece that passes take so long from now on."""
        self._ask("delay", name, seconds)

    def lose_next_answer(self, name: str, words: str) -> None:
        """Forward the next request that has *words* in it, and break off instead of answering."""
        self._ask("lose", name, words)

    def answers_lost(self, name: str) -> int:
        """Return how many answers were lost on purpose so far."""
        return int(self._ask("lost", name))

    def _ask(self, *command: Any) -> Any:
        self._pipe.send(command)
        return self._pipe.recv()

    def stop(self) -> None:
        """Break everything and end the process."""
        self._pipe.close()
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def _target(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    return parts.hostname, parts.port


def _with_port(url: str, port: int) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{port}").geturl()


def _serve(pipe: Connection[Any, Any], targets: Mapping[str, tuple[str, int]]) -> None:
    asyncio.run(_serve_until_closed(pipe, targets))


async def _serve_until_closed(
    pipe: Connection[Any, Any], targets: Mapping[str, tuple[str, int]]
) -> None:
    loop = asyncio.get_running_loop()
    routes = {name: _Route(target) for name, target in targets.items()}
    ports = {}
    for name, route in routes.items():
        server = await loop.create_server(partial(_Client, route), LOOPBACK, 0)
        ports[name] = server.sockets[0].getsockname()[1]
    pipe.send(ports)
    with suppress(EOFError):  # the battery has gone
        while True:
            command = await asyncio.to_thread(pipe.recv)
            pipe.send(_obey(routes, *command))


def _obey(routes: Mapping[str, _Route], verb: str, name: str, *rest: Any) -> Any:
    route = routes[name]
    match verb, rest:
        case "cut", ():
            return route.cut()
        case "delay", (seconds,):
            route.delay_seconds = seconds
        case "lose", (words,):
            route.lose_answer_to = words.encode()
        case "lost", ():
            return route.answers_lost
    return None
