"""An alarm for code that must come back in time, although nobody can ask it to."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

#: So many times its bound may code compute that hears no alarm, such as one call into C.
DEAF = 4
#: Less would switch the alarm off.
SOONEST_SECONDS = 0.001


class TimeIsUp(BaseException):
    """The alarm has rung. No ``Exception``, since foreign code catches those."""


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Raise ``TimeIsUp`` in the block when *seconds* have passed.

    What does not hear it, because it never comes back to the interpreter, ends with its process:
    a worker dies, and its steps are counted as lost. Signals are for the main thread, which runs
    the tasks of a prefork worker; in other threads nothing rings.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    if signal.getsignal(signal.SIGALRM) is not _ring:
        signal.signal(signal.SIGALRM, _ring)
        signal.signal(signal.SIGVTALRM, signal.SIG_DFL)
    seconds = max(seconds, SOONEST_SECONDS)
    try:
        try:
            signal.setitimer(signal.ITIMER_VIRTUAL, DEAF * seconds)
            signal.setitimer(signal.ITIMER_REAL, seconds)
            yield
        finally:
            _silence()
    except TimeIsUp:  # it may have rung in the middle of being silenced
        _silence()
        raise


def _silence() -> None:
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)


def _ring(_: int, __: FrameType | None) -> None:
    raise TimeIsUp
