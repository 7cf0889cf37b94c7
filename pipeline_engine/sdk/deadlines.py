"""Hanging up on peers that take too long, by one thread for all of them.

A timer for each request would be a thread for each request, which costs as much as the request.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from threading import Condition, Thread


@dataclass(slots=True)
class Call:
    """One exchange with a peer, and whether its time was up before it ended."""

    sock: socket.socket | None
    has_expired: bool = False


@dataclass(slots=True)
class Deadlines:
    """The exchanges of this process that have a deadline."""

    _due: list[tuple[float, int, Call]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)
    _changed: Condition = field(default_factory=Condition)
    _is_watched: bool = False

    def __post_init__(self) -> None:
        # A forked child has no threads, and the lock of one of them may be held for ever.
        os.register_at_fork(after_in_child=self._begin_again)

    def _begin_again(self) -> None:
        self._due, self._changed, self._is_watched = [], Condition(), False

    @contextmanager
    def within(self, seconds: float, sock: socket.socket) -> Iterator[Call]:
        """Close *sock* in both directions when the block takes longer than *seconds*."""
        call = Call(sock)
        deadline = time.monotonic() + seconds
        with self._changed:
            self._watch()
            is_next = not self._due or deadline < self._due[0][0]
            heappush(self._due, (deadline, next(self._numbers), call))
            if is_next:
                self._changed.notify()
        try:
            yield call
        finally:
            call.sock = None  # its entry stays until its time has come

    def _watch(self) -> None:
        if not self._is_watched:
            self._is_watched = True
            Thread(target=self._hang_up_for_ever, daemon=True, name="deadlines").start()

    def _hang_up_for_ever(self) -> None:
        while True:
            with self._changed:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is None or wait > 0:
                    self._changed.wait(wait)
                    continue
                _, _, call = heappop(self._due)
            _hang_up(call)


def _hang_up(call: Call) -> None:
    sock = call.sock
    if sock is not None:
        call.has_expired = True
        with suppress(OSError):  # it may be closed already
            sock.shutdown(socket.SHUT_RDWR)
