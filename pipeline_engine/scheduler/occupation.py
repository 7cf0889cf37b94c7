"""What the threads of this process are busy with, and until when they may be.

A thread cannot be stopped from outside. What can be done is to notice that one does not come back,
and to replace the process when too few of them do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from threading import Lock


@dataclass(frozen=True, slots=True)
class Occupation:
    """One thing that one thread does."""

    what: str
    since: float  #: as all moments here, of ``time.monotonic()``
    ends_at: float  #: it should have come back by then
    is_vital: bool  #: without this thread the process is of no use


class Occupied:
    """The occupations of one process."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = Lock()
        self._numbers = count()
        self._all: dict[int, Occupation] = {}

    @contextmanager
    def by(self, what: str, *, seconds: float, is_vital: bool = False) -> Iterator[None]:
        """Say that this thread does *what* in the block, and that it may take *seconds*."""
        began = self._now()
        number = next(self._numbers)
        with self._lock:
            self._all[number] = Occupation(what, began, began + seconds, is_vital)
        try:
            yield
        finally:
            with self._lock:
                del self._all[number]

    def stuck(self, *, grace: float = 0.0) -> list[Occupation]:
        """What should have come back *grace* seconds ago, or longer."""
        too_late = self._now() - grace
        return [one for one in self.all() if one.ends_at < too_late]

    def all(self) -> list[Occupation]:
        """Everything that goes on."""
        with self._lock:
            return list(self._all.values())
