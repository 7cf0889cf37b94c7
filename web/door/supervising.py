"""Keeps the web processes alive: starts them, replaces what dies, stops all of them together.

uvicorn has such a parent, too. It asks each child whether it is well and waits for the answer,
so a child that is killed while it starts, or frozen, stops it from seeing to the others. Here the
loop of each child leaves the time in memory that both see, and nobody waits for anybody.
"""

from __future__ import annotations

import gc
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from multiprocessing import connection, get_context
from multiprocessing.process import BaseProcess
from typing import Protocol

import structlog

#: Signals that mean the end, for all.
STOP = (signal.SIGTERM, signal.SIGINT)
#: Who dies younger than this would die again at once.
YOUNG_SECONDS = 1.0
#: A child that has not moved for so long, or has not come up, is frozen or stuck.
SILENCE = timedelta(seconds=30)

log = structlog.get_logger(__name__)


class Clock(Protocol):
    """A number that parent and child see."""

    value: float


class Supervisor:
    """The parent. It has no threads and no connections, so its children may be forks."""

    def __init__(
        self,
        work: Callable[[Callable[[], None]], None],
        count: int,
        *,
        grace: timedelta,
        silence: timedelta = SILENCE,
    ) -> None:
        """*work* is what a child does; it calls what it is given, often, to show that it moves."""
        self._work = work
        self._count = count
        self._grace = grace
        self._silence = silence.total_seconds()
        self._looked_at = time.monotonic()
        self._context = get_context("fork")
        self._children: dict[BaseProcess, float] = {}
        self._moved_at: dict[BaseProcess, Clock] = {}
        self._hears, self._rings = os.pipe()

    def run(self) -> None:
        """Keep them alive until somebody stops us."""
        for number in STOP:
            signal.signal(number, lambda *_: os.write(self._rings, b"."))
        while True:
            while len(self._children) < self._count:
                self._start()
            found = [self._hears, *(c.sentinel for c in self._children)]
            if self._hears in connection.wait(found, timeout=self._silence / 4):
                break
            self._end_the_frozen()
            self._bury_the_dead()
        self._stop()

    def _start(self) -> None:
        moved_at = self._context.RawValue("d", time.monotonic())
        child = self._context.Process(target=self._run_child, args=(moved_at,))
        # A page that parent or child has written to is copied, and a collection writes into every
        # object that it looks at; what is frozen is not looked at.
        gc.collect()
        gc.freeze()
        child.start()
        self._children[child] = time.monotonic()
        self._moved_at[child] = moved_at

    def _run_child(self, moved_at: Clock) -> None:
        for number in STOP:
            signal.signal(number, signal.SIG_DFL)

        def moves() -> None:
            moved_at.value = time.monotonic()

        self._work(moves)

    def _end_the_frozen(self) -> None:
        now = time.monotonic()
        was_frozen_itself = now - self._looked_at > self._silence
        self._looked_at = now
        for child, moved_at in self._moved_at.items():
            if was_frozen_itself:  # and so were they: they have not had the time to move
                moved_at.value = now
            elif now - moved_at.value > self._silence and child.is_alive():
                log.warning("web_process_frozen", pid=child.pid, seconds=now - moved_at.value)
                child.kill()
                child.join()

    def _bury_the_dead(self) -> None:
        for child in [c for c in self._children if not c.is_alive()]:
            lived = time.monotonic() - self._children.pop(child)
            del self._moved_at[child]
            log.warning("web_process_died", pid=child.pid, exit_code=child.exitcode)
            if lived < YOUNG_SECONDS:
                connection.wait([self._hears], timeout=YOUNG_SECONDS)

    def _stop(self) -> None:
        """Ask all of them to end, and end those that do not."""
        for child in self._children:
            with suppress(ProcessLookupError):
                child.terminate()
        ends_at = time.monotonic() + self._grace.total_seconds()
        for child in self._children:
            child.join(max(0.0, ends_at - time.monotonic()))
            if child.is_alive():
                child.kill()
                child.join()
