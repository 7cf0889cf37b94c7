"""How many executions an owner has open, known well enough to bound them."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from threading import Lock

from sqlalchemy import Connection

from pipeline_engine.storage.tables import executions

#: Seconds for which a count of all open executions is good, unless an owner is at the bound.
GOOD_FOR = 1.0
#: The same when an owner is at the bound: some of the executions may have ended since.
AT_THE_BOUND = 0.2
#: Counting takes at most this part of the time.
SHARE = 0.02


@dataclass
class OpenExecutions:
    """The open executions of each owner as they were counted, and those started here since.

    A count per start would cost more than the start. So the bound is kept to within what other
    processes start in a second.
    """

    _counts: Counter[str | None] = field(default_factory=Counter)
    _counted_at: float = -GOOD_FOR
    _took: float = 0.0
    _lock: Lock = field(default_factory=Lock)

    def take_place(self, connection: Connection, owner: str | None, *, most: int) -> bool:
        """Count one more execution of *owner*; False if there are *most* already."""
        with self._lock:
            self._count_again(connection, GOOD_FOR)
            if self._counts[owner] >= most:
                self._count_again(connection, AT_THE_BOUND)
            if self._counts[owner] >= most:
                return False
            self._counts[owner] += 1
            return True

    def _count_again(self, connection: Connection, good_for: float) -> None:
        now = time.monotonic()
        if now - self._counted_at < max(good_for, self._took / SHARE):
            return
        self._counts = Counter(executions.open_by_owner(connection))
        self._counted_at = time.monotonic()
        self._took = self._counted_at - now
