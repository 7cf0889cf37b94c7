"""Hanging up on peers that take too long, by one thread for all of them.

A timer for each request would be a thread for each request, which costs as much as the request.
A time-out of a socket starts again with every byte; this one does not, whatever the peer sends.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import count
from threading import Condition, Lock, Thread

#: Entries of calls that are over, from which on they are looked for.
MOST_LEFTOVERS = 1000


@dataclass(slots=True, eq=False)
class Call:
    """One exchange with peers: when it has to be over, and the sockets that it uses."""

    expires_at: float  #: a ``time.monotonic()`` value
    outer: Call | None = None
    has_expired: bool = False
    _handles: list[int] | None = field(default_factory=list)  #: None once the call is over
    _lock: Lock = field(default_factory=Lock)

    @property
    def seconds_left(self) -> float:
        """What remains; never less than a moment, because zero means no time-out to a socket."""
        return max(self.expires_at - time.monotonic(), 0.001)

    @property
    def is_over(self) -> bool:
        """Nothing is watched any more."""
        return self._handles is None

    def watch(self, sock: socket.socket) -> None:
        """Hang up on *sock* when the time is over.

        A handle of our own: TLS moves the connection to another socket object, and a number
        that somebody else has closed may stand for another connection.
        """
        if self.outer is not None:
            self.outer.watch(sock)
        handle = os.dup(sock.fileno())
        with self._lock:
            if self.has_expired:
                _hang_up(handle)
            if self._handles is None or self.has_expired:
                os.close(handle)
            else:
                self._handles.append(handle)

    def expire(self) -> None:
        """Hang up on every socket, unless the call is over."""
        with self._lock:
            if self._handles is not None:
                self.has_expired = True
                for handle in self._handles:
                    _hang_up(handle)

    def end(self) -> None:
        """Watch nothing any more."""
        with self._lock:
            for handle in self._handles or ():
                os.close(handle)
            self._handles = None


class _CallOfThread(threading.local):
    call: Call | None = None


@dataclass(slots=True)
class Deadlines:
    """The exchanges of this process that have a deadline."""

    _due: list[tuple[float, int, Call]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)
    _changed: Condition = field(default_factory=Condition)
    _is_watched: bool = False
    _leftovers: int = 0  #: entries of calls that are over
    _current: _CallOfThread = field(default_factory=_CallOfThread)

    def __post_init__(self) -> None:
        # A forked child has no threads, and the lock of one of them may be held for ever.
        os.register_at_fork(after_in_child=self._begin_again)

    def _begin_again(self) -> None:
        self._due, self._changed, self._is_watched = [], Condition(), False
        self._leftovers = 0

    @property
    def current(self) -> Call | None:
        """The innermost call of this thread."""
        return self._current.call

    @contextmanager
    def within(self, seconds: float) -> Iterator[Call]:
        """Hang up on what the block watches in this thread when it takes longer than *seconds*.

        A call within a call ends with it at the latest.
        """
        outer, expires_at = self.current, time.monotonic() + seconds
        call = Call(min(expires_at, outer.expires_at) if outer else expires_at, outer)
        self._enter(call)
        self._current.call = call
        try:
            yield call
        finally:
            self._current.call = outer
            call.end()
            self._leave()

    def _enter(self, call: Call) -> None:
        with self._changed:
            self._watch()
            is_next = not self._due or call.expires_at < self._due[0][0]
            heappush(self._due, (call.expires_at, next(self._numbers), call))
            if is_next:
                self._changed.notify()

    def _leave(self) -> None:
        """An entry stays until its time comes, which may be a day, or until there are many."""
        with self._changed:
            self._leftovers += 1
            if self._leftovers > max(MOST_LEFTOVERS, len(self._due) // 2):
                self._due = [entry for entry in self._due if not entry[2].is_over]
                heapify(self._due)
                self._leftovers = 0

    def _watch(self) -> None:
        if not self._is_watched:
            self._is_watched = True
            Thread(target=self._expire_for_ever, daemon=True, name="deadlines").start()

    def _expire_for_ever(self) -> None:
        while True:
            with self._changed:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is None or wait > 0:
                    self._changed.wait(wait)
                    continue
                _, _, call = heappop(self._due)
                self._leftovers -= call.is_over
            call.expire()


def _hang_up(handle: int) -> None:
    sock = socket.socket(fileno=handle)
    try:
        with suppress(OSError):  # it may not be connected
            sock.shutdown(socket.SHUT_RDWR)
    finally:
        sock.detach()  # the handle stays ours


#: Those of every session and peer of this process.
DEADLINES = Deadlines()
