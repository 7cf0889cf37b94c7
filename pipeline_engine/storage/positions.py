"""Places in the history of everything: events in the order (transaction, id).

Readers stop at the *horizon*, the oldest transaction that is open: in front of what comes behind
it others may still appear.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import NamedTuple, Self

from sqlalchemy import Connection

HORIZON = "pg_snapshot_xmin(pg_current_snapshot())"
#: An event says when its transaction began. The one behind it may have begun so much earlier.
LONGEST_TRANSACTION = timedelta(minutes=2)
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


def position_at(connection: Connection, moment: datetime) -> Position | None:
    """The place in front of the first event from *moment* on; None if there is none.

    Moments grow with transactions, nearly: the bisection finds the neighbourhood, and what is in
    it is looked at one by one.
    """
    low, high = _ends(connection)
    while low < high:
        middle = (low + high) // 2
        at = _first_moment(connection, middle)
        if at is not None and at + LONGEST_TRANSACTION < moment:
            low = middle + 1
        else:
            high = middle
    row = connection.exec_driver_sql(
        "SELECT transaction_id::text::bigint, id FROM events"
        " WHERE transaction_id >= %(low)s::text::xid8 AND created_at >= %(moment)s"
        " ORDER BY transaction_id, id LIMIT 1",
        {"low": low, "moment": moment},
    ).one_or_none()
    return None if row is None else Position(row[0], row[1] - 1)


def _ends(connection: Connection) -> tuple[int, int]:
    row = connection.exec_driver_sql(
        "SELECT (SELECT transaction_id::text::bigint FROM events ORDER BY transaction_id LIMIT 1),"
        " (SELECT transaction_id::text::bigint FROM events ORDER BY transaction_id DESC LIMIT 1)"
    ).one()
    return row[0] or 0, row[1] or 0


def _first_moment(connection: Connection, transaction_id: int) -> datetime | None:
    found: datetime | None = connection.exec_driver_sql(
        "SELECT created_at FROM events WHERE transaction_id >= %(at)s::text::xid8"
        " ORDER BY transaction_id LIMIT 1",
        {"at": transaction_id},
    ).scalar()
    return found
