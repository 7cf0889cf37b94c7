"""How many executions an owner has open, known well enough to bound them."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from threading import Lock

from sqlalchemy import Connection

from pipeline_engine.storage import quotas
from pipeline_engine.storage.tables import executions

#: Seconds for which a count of all open executions is good, far from the bound.
GOOD_FOR = 1.0
#: Counting takes at most this part of the time.
SHARE = 0.02
#: Executions below the bound from which on each start is counted by itself: more than all other
#: processes start for one owner while a count of all is good.
CLOSE = 1000
#: Seconds for which an owner at the bound is refused without another count.
AT_THE_BOUND = 0.2


@dataclass
class OpenExecutions:
    """The open executions of each owner as they were counted, and those started here since.

    A count per start would cost more than the start. Close to the bound it is made all the same,
    one start of an owner after the other, so that the bound is kept whoever starts at that moment.
    """

    _counts: Counter[str | None] = field(default_factory=Counter)
    _counted_at: float = -GOOD_FOR
    _took: float = 0.0
    _full: dict[str | None, tuple[float, int]] = field(
        default_factory=dict
    )  #: since when, how many
    _lock: Lock = field(default_factory=Lock)

    def take_place(self, connection: Connection, owner: str | None, *, most: int) -> int | None:
        """Count one more execution of *owner*; how many it has, if that are *most* already.

        The transaction has to store it, or to be rolled back.
        """
        if self._is_far_from(connection, owner, most):
            return None
        since, used = self._full.get(owner, (0.0, 0))
        if used >= most and time.monotonic() - since < AT_THE_BOUND:
            return used
        quotas.lock(connection, owner, quotas.OPEN_EXECUTIONS)
        used = quotas.open_executions(connection, owner)
        if used < most:
            self._full.pop(owner, None)
            return None
        self._full[owner] = time.monotonic(), used
        return used

    def _is_far_from(self, connection: Connection, owner: str | None, most: int) -> bool:
        """Whether an estimate is enough; then the execution is counted."""
        with self._lock:
            self._count_again(connection)
            if self._counts[owner] + CLOSE >= most:
                return False
            self._counts[owner] += 1
            return True

    def _count_again(self, connection: Connection) -> None:
        now = time.monotonic()
        if now - self._counted_at < max(GOOD_FOR, self._took / SHARE):
            return
        self._counts = Counter(executions.open_by_owner(connection))
        self._counted_at = time.monotonic()
        self._took = self._counted_at - now
