"""Places in the history of everything: events in the order (transaction, id).

Readers stop at the *horizon*, the oldest transaction that is open: in front of what comes behind
it others may still appear.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Self

HORIZON = "pg_snapshot_xmin(pg_current_snapshot())"
_TEXT = re.compile(r"(\d{1,18})-(\d{1,18})", re.ASCII)


class Position(NamedTuple):
    """A place in the history: just behind the event with these numbers."""

    transaction_id: int
    event_id: int

    def __str__(self) -> str:
        """As clients know it."""
        return f"{self.transaction_id}-{self.event_id}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read what ``str`` has made; None if it is something else."""
        found = _TEXT.fullmatch(text)
        return None if found is None else cls(int(found[1]), int(found[2]))
