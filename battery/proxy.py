"""A TCP proxy before each server, in a process of its own: it delays, cuts, and loses answers."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from pipeline_engine.embedded.ports import LOOPBACK

PIECE = 65_536
START_WITHIN_SECONDS = 30.0
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(eq=False)
class _Route:
    """The way to one server, and what is to go wrong on it."""

    target: tuple[str, int]
    delay_seconds: float = 0.0
    lose_answer_to: bytes | None = None
    answers_lost: int = 0
    connections_cut: int = 0
    pairs: set[_Pair] = field(default_factory=set)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server = await asyncio.open_connection(*self.target)
        except OSError:
            writer.close()
            return
        with suppress(asyncio.CancelledError):  # the end of the battery
            await _Pair(self, (reader, writer), server).pass_on()

    def cut(self) -> int:
        """Break every connection at once."""
        pairs = list(self.pairs)
        for pair in pairs:
            pair.break_off()
        self.connections_cut += len(pairs)
        return len(pairs)

    def takes(self, request: bytes) -> bool:
        """Whether the answer to this request is the one to be lost."""
        if self.lose_answer_to is None or self.lose_answer_to not in request:
            return False
        self.lose_answer_to = None
        self.answers_lost += 1
        return True


class _Pair:
    """A client's connection and the one to the server behind it."""

    def __init__(self, route: _Route, client: Streams, server: Streams) -> None:
        self._route = route
        self._client = client
        self._server = server
        self._is_deaf = False

    async def pass_on(self) -> None:
        self._route.pairs.add(self)
        try:
            await asyncio.gather(
                self._pump(self._client[0], self._server[1], self._note_request),
                self._pump(self._server[0], self._client[1], self._answer_may_pass),
            )
        finally:
            self._route.pairs.discard(self)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, may_pass: Any
    ) -> None:
        with suppress(OSError):
            while piece := await reader.read(PIECE):
                if self._route.delay_seconds:
                    await asyncio.sleep(self._route.delay_seconds)
                if not may_pass(piece):
                    break
                writer.write(piece)
                await writer.drain()
        self.break_off()

    def _note_request(self, piece: bytes) -> bool:
        self._is_deaf = self._is_deaf or self._route.takes(piece)
        return True  # the server gets it; only its answer is lost

    def _answer_may_pass(self, _piece: bytes) -> bool:
        return not self._is_deaf

    def break_off(self) -> None:
        for _, writer in (self._client, self._server):
            writer.close()


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
    routes = {name: _Route(target) for name, target in targets.items()}
    ports = {}
    for name, route in routes.items():
        server = await asyncio.start_server(route.accept, LOOPBACK, 0)
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


__all__: Sequence[str] = ("Proxy",)
