"""An alarm for code that must come back in time, although nobody can ask it to.

To set the timers of the kernel takes longer than many a cheap step. So those that run one after
another share them (``shared_timers``): what is set already stays set, and when it rings too early
for the block that runs then, it is set again.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

#: So many times its bound may code compute that hears no alarm, such as one call into C.
DEAF = 4
#: The same at least, where blocks share the timers.
DEAF_AT_LEAST = 2
#: Less would switch the alarm off.
SOONEST_SECONDS = 0.001
#: Of processor time, for calls into C in a block whose time is all but over.
SOONEST_KILL_SECONDS = 1.0


class TimeIsUp(BaseException):
    """The alarm has rung. No ``Exception``, since foreign code catches those."""


class alarm:  # noqa: N801 - used as a function
    """Raise ``TimeIsUp`` in the block at *ends_at*, a moment of ``time.monotonic()``.

    What does not hear it, because it never comes back to the interpreter, ends with its process:
    a worker dies, and its steps are counted as lost. Signals are for the main thread, which runs
    the tasks of a prefork worker; in other threads nothing rings. Alarms do not nest.
    """

    __slots__ = ("_ends_at", "_rings")

    def __init__(self, ends_at: float) -> None:
        self._ends_at = ends_at

    def __enter__(self) -> None:
        self._rings = _is_main_thread()
        if self._rings:
            _timers.begin(self._ends_at)

    def __exit__(self, *_: object) -> None:
        if self._rings:
            _timers.end()


@contextmanager
def shared_timers() -> Iterator[None]:
    """Let all alarms of this block share the timers, which are silent after it."""
    if not _is_main_thread():
        yield
        return
    _timers.are_shared = True
    try:
        yield
    finally:
        _timers.are_shared = False
        _timers.end()


def _is_main_thread() -> bool:
    return threading.get_ident() == threading.main_thread().ident


class _Timers:
    """The timers of this process, and what they are set for; only the main thread asks."""

    def __init__(self) -> None:
        self.are_shared = False
        self._ends_at: float | None = None  #: of the block that runs
        self._rings_at = 0.0
        self._kills_at = 0.0  #: if the process computes until then

    def begin(self, ends_at: float) -> None:
        now = time.monotonic()
        self._ends_at = ends_at  # before anything is set: it may ring at once
        is_set = now < self._rings_at <= ends_at
        if not is_set or self._kills_at - now < DEAF_AT_LEAST * (ends_at - now):
            self._set(ends_at, now)

    def end(self) -> None:
        self._ends_at = None
        if not self.are_shared:
            self._silence()

    def ring(self, _: int, __: FrameType | None) -> None:
        self._rings_at = 0.0
        ends_at, now = self._ends_at, time.monotonic()
        if ends_at is not None and now < ends_at:
            self._set(ends_at, now)
            return
        self._ends_at = None
        self._silence()
        if ends_at is not None:
            raise TimeIsUp

    def _set(self, ends_at: float, now: float) -> None:
        if signal.getsignal(signal.SIGALRM) != self.ring:
            signal.signal(signal.SIGALRM, self.ring)
            signal.signal(signal.SIGVTALRM, signal.SIG_DFL)
        seconds = max(ends_at - now, SOONEST_SECONDS)
        computing = max(DEAF * seconds, SOONEST_KILL_SECONDS)
        self._rings_at, self._kills_at = ends_at, now + computing
        signal.setitimer(signal.ITIMER_VIRTUAL, computing)
        signal.setitimer(signal.ITIMER_REAL, seconds)

    def _silence(self) -> None:
        self._rings_at = 0.0
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)


_timers = _Timers()
