"""Wait for a condition with a deadline; no test sleeps for a guessed time."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event
from typing import TypeVar

T = TypeVar("T")
POLL_SECONDS = 0.02
#: Between two questions to a server, which cost it more than the waiting costs us.
ASK_SECONDS = 0.1
#: Within these a process is started, on a machine that does five other things.
TO_START_SECONDS = 90.0


def wait_until(
    condition: Callable[[], T],
    *,
    within: float = 10.0,
    what: str = "",
    every: float = POLL_SECONDS,
) -> T:
    """Return the first truthy answer of *condition*; fail after *within* seconds.

    *what* says in words what was awaited, for the message of the failure.
    """
    deadline = time.monotonic() + within
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            wanted = what or getattr(condition, "__name__", "the condition")
            raise AssertionError(f"{wanted}: not within {within:g} s (last answer: {answer!r})")
        Event().wait(every)
