"""Parked steps by the clock: how many wait for an event, and for how many it is too late."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from pipeline_engine.domain.phases import Phase
from pipeline_engine.storage.phases import any_of


class Waits(NamedTuple):
    """The parked steps at one moment."""

    waiting: int
    overdue: int  #: time-outs and timers whose moment has come, and that nobody has ended yet
    earliest: datetime | None  #: when the next of them ends
    now: datetime


def count(connection: Connection) -> Waits:
    """Count the parked steps."""
    ends_at = f"CASE WHEN {any_of((Phase.TIMER,))} THEN due_at ELSE deadline_at END"
    row = connection.exec_driver_sql(
        f"SELECT count(*), count(*) FILTER (WHERE {ends_at} < now()), min({ends_at}), now()"
        " FROM step_executions WHERE status = 'RUNNING' AND awaiting_event"
    ).one()
    return Waits(*row)
