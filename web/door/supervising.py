"""Keeps the web processes alive: starts them, replaces what dies, stops all of them together.

uvicorn has such a parent, too. It asks each child whether it is well and waits for the answer,
so a child that is killed while it starts, or frozen, stops it from seeing to the others.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from multiprocessing import connection, get_context
from multiprocessing.process import BaseProcess

import structlog

#: Signals that mean the end, for all.
STOP = (signal.SIGTERM, signal.SIGINT)
#: Who dies younger than this would die again at once.
YOUNG_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Supervisor:
    """The parent. It has no threads and no connections, so its children may be forks."""

    def __init__(self, work: Callable[[], None], count: int, *, grace: timedelta) -> None:
        self._work = work
        self._count = count
        self._grace = grace
        self._context = get_context("fork")
        self._children: dict[BaseProcess, float] = {}
        self._hears, self._rings = os.pipe()

    def run(self) -> None:
        """Keep them alive until somebody stops us."""
        for number in STOP:
            signal.signal(number, lambda *_: os.write(self._rings, b"."))
        while True:
            while len(self._children) < self._count:
                self._start()
            ready = connection.wait([self._hears, *(c.sentinel for c in self._children)])
            if self._hears in ready:
                break
            self._bury_the_dead()
        self._stop()

    def _start(self) -> None:
        child = self._context.Process(target=self._run_child)
        child.start()
        self._children[child] = time.monotonic()

    def _run_child(self) -> None:
        for number in STOP:
            signal.signal(number, signal.SIG_DFL)
        self._work()

    def _bury_the_dead(self) -> None:
        for child in [c for c in self._children if not c.is_alive()]:
            lived = time.monotonic() - self._children.pop(child)
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
