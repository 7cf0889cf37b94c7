"""The children of one process of the engine: kept warm, never shared between packages."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline_engine.isolation.between.failures import IsolationFault
from pipeline_engine.isolation.process import ChildProcess
from pipeline_engine.isolation.terms import Terms

#: Calls after which a child is replaced, so that what it has gathered is gone.
MOST_CALLS = 500
#: Seconds after which a child that nobody has called is ended, when another is asked for.
IDLE_SECONDS = 300.0


class Pool:
    """Children by package; each is used by one call at a time."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._reset()
        _pools.add(self)

    def _reset(self) -> None:
        self._idle: list[ChildProcess] = []
        self._running = 0
        self._changed = threading.Condition()
        # Also at the end of this process, and when an installation was discovered anew.
        self._last_duty = weakref.finalize(self, _end_all, self._idle)

    @contextmanager
    def child(self, package: str, *, within: float) -> Iterator[ChildProcess]:
        """A child of a package for one call. Raises ``IsolationFault`` if none gets free."""
        child = self._taken(package, time.monotonic() + within)
        try:
            if child.calls == 0:
                child.wait_until_ready()
            yield child
        finally:
            self._give_back(child)

    def _taken(self, package: str, ends_at: float) -> ChildProcess:
        with self._changed:
            self._end_idle_ones()
            while (child := self._warm(package)) is None and not self._has_room():
                left = ends_at - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    message = f"All {self._terms.children} processes for isolated actions are busy"
                    message += " (PIPELINE_ISOLATED_CHILDREN)"
                    raise IsolationFault(message, error_code="isolated_busy")
            if child is not None:
                return child
            self._running += 1
        try:
            return ChildProcess(package, self._terms)
        except BaseException:
            self._leave()
            raise

    def _warm(self, package: str) -> ChildProcess | None:
        for child in [one for one in self._idle if one.package == package]:
            self._idle.remove(child)
            if child.is_alive:
                return child
            child.kill()
            self._running -= 1
        return None

    def _has_room(self) -> bool:
        if self._running >= self._terms.children and self._idle:  # of another package
            self._idle.pop(0).kill()
            self._running -= 1
        return self._running < self._terms.children

    def _end_idle_ones(self) -> None:
        since = time.monotonic() - IDLE_SECONDS
        for child in [one for one in self._idle if one.idle_since < since]:
            self._idle.remove(child)
            child.kill()
            self._running -= 1

    def _give_back(self, child: ChildProcess) -> None:
        if child.is_sound and child.calls < MOST_CALLS:
            with self._changed:
                self._idle.append(child)
                self._changed.notify()
            return
        child.kill()
        self._leave()

    def _leave(self) -> None:
        with self._changed:
            self._running -= 1
            self._changed.notify()

    def close(self) -> None:
        """End all that nobody uses."""
        with self._changed:
            self._running -= len(self._idle)
            _end_all(self._idle)

    def begin_again(self) -> None:
        """In a forked process: the children are those of its parent."""
        self._last_duty.detach()
        for child in self._idle:
            child.forget()
        self._reset()


def _end_all(children: list[ChildProcess]) -> None:
    while children:
        children.pop().kill()


_pools: weakref.WeakSet[Pool] = weakref.WeakSet()


def _begin_again() -> None:
    for pool in list(_pools):
        pool.begin_again()


def close_all() -> None:
    """End the children of this process that nobody uses."""
    for pool in list(_pools):
        pool.close()


os.register_at_fork(after_in_child=_begin_again)
