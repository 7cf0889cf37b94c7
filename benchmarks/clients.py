"""Clients of a web server, who send so many requests a second whatever it takes to answer."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from itertools import count

from benchmarks.ledger import Incomplete
from pipeline_engine.embedded.ports import LOOPBACK

CONNECTIONS = 16
TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Post:
    """One request."""

    path: str
    body: bytes
    expected: int  #: the status that means success
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"


class Client:
    """One connection that stays open."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection(LOOPBACK, port, timeout=TIMEOUT_SECONDS)

    def send(self, post: Post) -> bytes:
        """Send it and return the answer's body.  Raises ``Incomplete`` if it is no success."""
        headers = {"Content-Type": "application/json", **post.headers}
        try:
            self._connection.request(post.method, post.path, post.body, headers)
            answer = self._connection.getresponse()
        except (HTTPException, ConnectionError):
            # The server closes a connection that was idle for long: nothing was taken in.
            self._connection.close()
            self._connection.request(post.method, post.path, post.body, headers)
            answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != post.expected:
            raise Incomplete(f"{post.path}: {answer.status} instead of {post.expected}: {body!r}")
        return body

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def steadily(port: int, posts: Sequence[Post], *, per_second: float) -> list[float]:
    """Send *posts* at a steady rate; the seconds from when each was due to its answer.

    A request that has to wait for a free connection is late, and that counts: a server that
    stalls must not slow down the clock that judges it.
    """
    numbers = count()
    began_at = time.perf_counter() + 0.1

    def client(_: int) -> list[float]:
        with closing(Client(port)) as connection:
            return list(_paced(connection, posts, numbers, began_at, per_second))

    with ThreadPoolExecutor(CONNECTIONS) as threads:
        return [took for found in threads.map(client, range(CONNECTIONS)) for took in found]


def _paced(
    client: Client, posts: Sequence[Post], numbers: Iterator[int], began_at: float, rate: float
) -> Iterator[float]:
    while (number := next(numbers)) < len(posts):
        due_at = began_at + number / rate
        time.sleep(max(0.0, due_at - time.perf_counter()))
        yield _timed(client, posts[number], due_at)


def _timed(client: Client, post: Post, began_at: float) -> float:
    client.send(post)
    return time.perf_counter() - began_at
