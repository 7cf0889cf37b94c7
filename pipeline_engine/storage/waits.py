"""Parked steps: for how many it is too late, and who waits for a task of a Celery app."""

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


def of_celery(connection: Connection) -> list[str]:
    """The ids of the tasks of Celery apps that parked steps wait for."""
    rows = connection.exec_driver_sql(
        # By the index of deadlines: each parked step has one.
        "SELECT external_workflow_id FROM step_executions WHERE status = 'RUNNING'"
        " AND deadline_at IS NOT NULL AND awaiting_event AND NOT cancelling"
        " AND starts_with(external_workflow_id, 'celery:')"
    )
    return [row[0] for row in rows]
