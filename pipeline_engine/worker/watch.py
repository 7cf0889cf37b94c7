"""A worker of threads looks after itself: it ends when its threads do not come back.

Its supervisor or platform starts it again; the leases of what it ran expire, and the sweep decides.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from typing import Any, NoReturn

import psutil
import structlog
from redis import RedisError

from pipeline_engine.scheduler.occupation import Occupation
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services import presence

log = structlog.get_logger(__name__)

#: Seconds between two looks at the threads.
LOOK_SECONDS = 2.0
#: Seconds beyond the time-out of its step before a call counts as stuck: one with the same
#: time-out of its own comes back a little later.
GRACE_SECONDS = 10.0
#: Slots per stuck thread: with so few, or fewer, the worker is replaced.
SHARE = 2
#: Seconds beyond the time-out of its step in a process that is to end anyway.
LAST_GRACE_SECONDS = 1.0


class Watch:
    """Counts the threads of this process that do not come back."""

    def __init__(self, runtime: Callable[[], Runtime], worker: str, slots: int) -> None:
        self._runtime = runtime
        self._worker = worker
        self._slots = slots
        self._stopped = Event()

    def start(self) -> None:
        """Start looking, in a thread that ends with the process."""
        Thread(target=self._look_for_ever, daemon=True, name="watch").start()

    def stop(self) -> None:
        """Stop looking."""
        self._stopped.set()

    def _look_for_ever(self) -> None:
        while not self._stopped.wait(LOOK_SECONDS):
            if self.look():
                os.kill(os.getpid(), signal.SIGTERM)  # a warm shutdown: others may finish
                return

    def look(self) -> bool:
        """Publish the number of stuck threads; returns whether they are too many."""
        runtime = self._runtime()
        stuck = runtime.occupied.stuck(grace=GRACE_SECONDS)
        self._tell(runtime, len(stuck))
        too_many = SHARE * len(stuck) >= self._slots
        if not (too_many or any(one.is_vital for one in stuck)):
            return False
        names = sorted({one.what for one in stuck})
        log.error("worker_stuck", threads=len(stuck), slots=self._slots, with_=names)
        return True

    def _tell(self, runtime: Runtime, stuck: int) -> None:
        prefix = runtime.settings.key_prefix
        try:
            presence.note_stuck(runtime.redis, prefix, self._worker, stuck, self._slots)
        except RedisError as error:
            log.info("nobody could be told of stuck threads", error=str(error))


class LastMinutes:
    """Ends a process that was asked to stop, although some of its threads do not come back.

    Celery waits for all of them, for ever.
    """

    def __init__(self, seconds: float, runtime: Callable[[], Runtime | None]) -> None:
        self._seconds = seconds
        self._runtime = runtime  #: that of this process, if it has one

    def begin(self, **_: Any) -> None:
        """Give the process its last seconds: it may finish what it has begun."""
        Thread(target=self._count_down, daemon=True, name="last minutes").start()

    def _count_down(self) -> NoReturn:
        ends_at = time.monotonic() + self._seconds
        while time.monotonic() < ends_at and not self._is_hopeless():
            Event().wait(LAST_GRACE_SECONDS)
        log.warning("abandoned", what=sorted({one.what for one in self._going_on()}))
        for child in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.kill()
        os._exit(0)

    def _going_on(self) -> list[Occupation]:
        runtime = self._runtime()
        return runtime.occupied.all() if runtime else []

    def _is_hopeless(self) -> bool:
        """Whether every call that still runs is stuck."""
        runtime = self._runtime()
        stuck = runtime.occupied.stuck(grace=LAST_GRACE_SECONDS) if runtime else []
        return bool(stuck) and len(stuck) == len(self._going_on())
