"""A thread that sweeps when no other thread of the worker does, and keeps to the clock.

Beat rings for a sweep, and any thread of the worker may answer. When none does, because beat is
away or they are all busy, this one sweeps itself. Between two sweeps it wakes what is due at its
moment: a pause of a second would else take two.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from threading import Event, Thread

import structlog
from redis import RedisError

from pipeline_engine.scheduler import sweep
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.schedules import look
from pipeline_engine.services import inbox, presence
from pipeline_engine.services.webhooks import spooling
from pipeline_engine.storage.postgres.session import is_unreachable

log = structlog.get_logger(__name__)

#: Intervals without a sweep, until this thread sweeps itself.
MISSED = 2
#: Seconds between two looks at the clock, at least and at most. No wait is shorter than a second,
#: so a look every second sees each wait before its end, however seldom sweeps are made.
SHORTEST_SECONDS, LONGEST_SECONDS = 0.05, 1.0
#: Seconds until a sweep counts as stuck, such as in a plug-in that wakes a step.
PATIENCE_SECONDS = 60.0


def sweep_now(runtime: Runtime) -> None:
    """Sweep, and leave a trace that it was done."""
    sweep.sweep(runtime)
    inbox.drain_spool(runtime)
    spooling.drain(runtime)
    sweep.beat_mark(runtime)


class Sweeper:
    """Checks once an interval that a sweep was done, and sweeps if not; wakes what is due."""

    def __init__(self, runtime: Callable[[], Runtime]) -> None:
        self._runtime = runtime
        self._stopped = Event()

    def start(self) -> None:
        """Start checking, in a thread that ends with the process."""
        Thread(target=self._look_for_ever, daemon=True, name="sweeper").start()

    def stop(self) -> None:
        """Begin no other sweep."""
        self._stopped.set()

    def _look_for_ever(self) -> None:
        every = self._runtime().settings.sweep_interval_seconds
        pause, look_at = SHORTEST_SECONDS, time.monotonic() + every
        while not self._stopped.wait(min(pause, every)):
            pause = LONGEST_SECONDS
            try:
                if time.monotonic() >= look_at:
                    look_at = time.monotonic() + every
                    self.look()
                pause = self.wake()
            except Exception as error:  # the next look finds what this one has left
                # An absent database says so once a second; a traceback would not help.
                log.warning("sweeping failed", exc_info=not is_unreachable(error))

    def wake(self) -> float:
        """Wake what is due; returns the seconds until the next look at the clock."""
        return min(self._wake_steps(), self._fire())

    def _fire(self) -> float:
        """Fire schedules at their moment: also while Redis is away, as rows are what counts."""
        runtime, within = self._runtime(), timedelta(seconds=LONGEST_SECONDS)
        next_in = look.next_in(runtime, within=within)
        if next_in is not None and next_in <= 0:
            with runtime.occupied.by("the clock", seconds=PATIENCE_SECONDS, is_vital=True):
                found = look.fire_due(runtime)
            # What is due still is locked by somebody: once a second is enough for that.
            return SHORTEST_SECONDS if found.looked_at else LONGEST_SECONDS
        return LONGEST_SECONDS if next_in is None else max(SHORTEST_SECONDS, next_in)

    def _wake_steps(self) -> float:
        runtime, within = self._runtime(), timedelta(seconds=LONGEST_SECONDS)
        clock = sweep.clock(runtime, within=within)
        if clock.is_due and _can_send(runtime):
            with runtime.occupied.by("the clock", seconds=PATIENCE_SECONDS, is_vital=True):
                sweep.wake_due(runtime)
            clock = sweep.clock(runtime, within=within)
        # What is due still is locked, or cannot be woken: once a second is enough for that.
        return LONGEST_SECONDS if clock.next_in is None else max(SHORTEST_SECONDS, clock.next_in)

    def look(self) -> bool:
        """Sweep if no sweep was done for a while; returns whether it did."""
        runtime = self._runtime()
        patience = MISSED * runtime.settings.sweep_interval_seconds
        try:
            silent_for = presence.look(runtime.redis, runtime.settings.key_prefix).sweep_silent_for
        except RedisError:
            # Nothing that was found could be sent, and each try makes its row wait longer.
            return False
        if silent_for is not None and silent_for < patience:
            return False
        began = time.monotonic()
        with runtime.occupied.by("a sweep", seconds=PATIENCE_SECONDS, is_vital=True):
            sweep_now(runtime)
        log.info("swept_unasked", seconds=round(time.monotonic() - began, 3))
        return True


def _can_send(runtime: Runtime) -> bool:
    """Whether Redis is there: what is woken in vain would wait twice as long for its message."""
    try:
        return bool(runtime.redis.ping())
    except RedisError:
        return False
