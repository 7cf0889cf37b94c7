"""Rows about crowds: 200 clients that are slow, or that wait, and how others fare beside them."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass

import orjson

from benchmarks.bench import Bench
from benchmarks.callbacks import callbacks_of, waiting
from benchmarks.clients import Post, steadily
from benchmarks.engine import until
from benchmarks.judging import Figure, Outcome, Rounds, Target
from benchmarks.latency import compared, latencies
from benchmarks.ledger import Incomplete
from benchmarks.starting import EXECUTIONS
from benchmarks.workers import API_TOKEN
from pipeline_engine.embedded.ports import LOOPBACK

HEALTH = Post("/health", b"", 200, method="GET")
CONNECT_SECONDS = 30.0

Sides = Sequence[Sequence[float]]

#: Has so many clients while its block runs; each has said what it says, and waits.
Crowd = Callable[[Bench, int], AbstractContextManager[list[socket.socket]]]


@dataclass(frozen=True, slots=True)
class Beside:
    """``GET /health`` and ``POST /callbacks`` beside a crowd, against the same without it."""

    name: str
    work: str
    crowd: Crowd
    size: int  #: of the crowd
    count: int
    per_second: int
    target: Target
    #: what is judged: the ratio to the same without the crowd, or else milliseconds
    is_ratio: bool = True

    def measure(self, bench: Bench, rounds: Rounds) -> Outcome:
        """Measure both in turns, alone and beside the crowd."""
        found = rounds.of(lambda: (*self._both(bench), *self._both_beside_the_crowd(bench)))
        health, callbacks, health_beside, callbacks_beside = (
            [f[i] for f in found] for i in range(4)
        )
        figures = [
            *self._compared("health", health_beside, health),
            *self._compared("callback", callbacks_beside, callbacks),
        ]
        return Outcome(
            row=self.name,
            work=self.work,
            against="the same without them",
            figures=figures,
            rounds=latencies(
                health=health,
                callbacks=callbacks,
                health_beside=health_beside,
                callbacks_beside=callbacks_beside,
                percents=(50, 99),
            ),
        )

    def _compared(self, name: str, beside: Sides, alone: Sides) -> Iterator[Figure]:
        yield compared(50, beside, alone, name=f"{name}, ")
        judged = self.target if self.is_ratio else None
        yield (worst := compared(99, beside, alone, judged, name=f"{name}, "))
        if not self.is_ratio and worst.ours is not None:
            name = f"{name} beside them, p99"
            yield Figure(name=name, value=worst.ours, unit=" ms", target=self.target)

    def _both(self, bench: Bench) -> tuple[list[float], list[float]]:
        ids, posts = callbacks_of(bench, self.count)
        port, rate = bench.web.port, self.per_second
        health = steadily(port, [HEALTH] * self.count, per_second=rate)
        callbacks = steadily(port, posts, per_second=rate)
        bench.engine.wait_for_completion(ids)
        return health, callbacks

    def _both_beside_the_crowd(self, bench: Bench) -> tuple[list[float], list[float]]:
        with self.crowd(bench, self.size) as clients:
            found = self._both(bench)
            if not all(is_held(client) for client in clients):
                raise Incomplete(f"{self.name}: some of the crowd were sent away")
            return found


@contextmanager
def slow_clients(bench: Bench, size: int) -> Iterator[list[socket.socket]]:
    """Half of them have sent half a head, the others half a body; none has a token."""
    head = b"POST /callbacks/x HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
    body = head + b'Content-Length: 100\r\n\r\n{"a":'
    with _clients(bench.web.port, [head if n % 2 else body for n in range(size)]) as clients:
        yield clients


@contextmanager
def waiting_clients(bench: Bench, size: int) -> Iterator[list[socket.socket]]:
    """Each has started an execution that parks, and waits for its end."""
    pipeline_id = bench.engine.store(waiting(1))
    body = orjson.dumps({"pipeline_id": str(pipeline_id), "params": {}})
    head = (
        f"POST {EXECUTIONS}?wait_seconds=60 HTTP/1.1\r\nHost: bench\r\n"
        f"Authorization: Bearer {API_TOKEN}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )

    def parked() -> int:
        with bench.runtime.engine.connect() as connection:
            found = connection.exec_driver_sql(PARKED_RUNS, {"id": str(pipeline_id)})
            return int(found.scalar_one())

    with _clients(bench.web.port, [head.encode() + body] * size) as clients:
        until(parked, lambda found: found == size, f"{size} executions that are waited for")
        yield clients


@contextmanager
def _clients(port: int, words: Sequence[bytes]) -> Iterator[list[socket.socket]]:
    """Have a client for each of *words*, who has said them, while the block runs."""
    with ExitStack() as stack:
        clients = []
        for said in words:
            client = socket.create_connection((LOOPBACK, port), timeout=CONNECT_SECONDS)
            clients.append(stack.enter_context(closing(client)))
            client.sendall(said)
        yield clients


def is_held(client: socket.socket) -> bool:
    """Whether nothing was answered, and the connection is open."""
    client.setblocking(False)
    try:
        client.recv(1)
    except BlockingIOError:
        return True
    return False


PARKED_RUNS = """
SELECT count(*) FROM step_executions s JOIN executions e ON e.id = s.execution_id
WHERE e.pipeline_id = %(id)s::uuid AND s.awaiting_event AND s.status = 'RUNNING'
"""
