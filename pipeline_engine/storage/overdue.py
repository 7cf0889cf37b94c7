"""What the sweep looks for: rows that are due, found through partial indexes.

Every query takes a bounded number of rows and skips those that somebody else has locked, so
any number of sweeps may run at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.domain.phases import Phase
from pipeline_engine.storage.phases import IS, OPEN, any_of
from pipeline_engine.storage.rows import STEP_COLUMNS, StepRow, fetch_steps

BATCH = 500
#: Phases of steps that are queued when their time has come.
DELAYS = (Phase.DELAYED, Phase.RETRYING)


_LATE = "deadline_at IS NOT NULL AND deadline_at <= now()"
_DUE = "due_at IS NOT NULL AND due_at <= now()"
_FOUND = {
    # Several phases share a clock; what is stopped has its own.
    "lease": "status = 'RUNNING' AND NOT cancelling"
    " AND leased_until IS NOT NULL AND leased_until < now()",
    "deadline": f"status = 'RUNNING' AND NOT cancelling AND {_LATE}",
    "late_clean_up": f"status = 'RUNNING' AND cancelling AND items_total IS NULL AND {_LATE}",
    "timer": f"{IS[Phase.TIMER]} AND {_DUE}",
    "join": f"{IS[Phase.JOINING]} AND {_DUE}",
    "clean_up": f"{IS[Phase.CLEANING_UP]} AND {_DUE}",
}


def _ids(connection: Connection, kind: str) -> list[int]:
    rows = connection.exec_driver_sql(
        f"SELECT id FROM step_executions WHERE {_FOUND[kind]} ORDER BY id LIMIT %(limit)s",
        {"limit": BATCH},
    )
    return [row[0] for row in rows]


def _lock(connection: Connection, kind: str, step_execution_id: int) -> StepRow | None:
    found = fetch_steps(
        connection,
        f"SELECT {STEP_COLUMNS} FROM step_executions s WHERE id = %(id)s AND {_FOUND[kind]}"
        " FOR NO KEY UPDATE SKIP LOCKED",
        {"id": step_execution_id},
    )
    return found[0] if found else None


def expired_leases(connection: Connection) -> list[int]:
    """Steps whose worker has not renewed its lease."""
    return _ids(connection, "lease")


def lock_expired_lease(connection: Connection, step_execution_id: int) -> StepRow | None:
    """The step, locked, if its lease is still expired."""
    return _lock(connection, "lease", step_execution_id)


def passed_deadlines(connection: Connection) -> list[int]:
    """Running or parked steps beyond their time."""
    return _ids(connection, "deadline")


def lock_passed_deadline(connection: Connection, step_execution_id: int) -> StepRow | None:
    """The step, locked, if its time is still up."""
    return _lock(connection, "deadline", step_execution_id)


@dataclass(frozen=True, slots=True)
class Clock:
    """What the clock holds up."""

    is_due: bool  #: something ought to have moved
    next_in: float | None  #: seconds until the next after that; None if it is far away

    def sooner(self, other: Clock) -> Clock:
        """Both: due if one of them is, and next whichever comes first."""
        known = [one.next_in for one in (self, other) if one.next_in is not None]
        return Clock(self.is_due or other.is_due, min(known, default=None))


def clock(connection: Connection, *, within: timedelta) -> Clock:
    """Whether a step is due that only waits for its time, and when the next one *within* is."""
    row = connection.exec_driver_sql(
        "SELECT count(*) FILTER (WHERE due_at <= now()) > 0,"
        " extract(epoch FROM min(due_at) FILTER (WHERE due_at > now()) - now())::float8"
        f" FROM step_executions WHERE {OPEN} AND due_at IS NOT NULL"
        f" AND due_at <= now() + %(within)s AND {any_of((Phase.TIMER, *DELAYS))}",
        {"within": within},
    ).one()
    return Clock(*row)


def due_timers(connection: Connection) -> list[int]:
    """Parked steps that the clock wakes."""
    return _ids(connection, "timer")


def lock_due_timer(connection: Connection, step_execution_id: int) -> StepRow | None:
    """The step, locked, if it is still to be woken."""
    return _lock(connection, "timer", step_execution_id)


def unjoined(connection: Connection) -> list[int]:
    """Fan-outs whose items have all ended, and whose join was lost."""
    return _ids(connection, "join")


def not_cleaned_up(connection: Connection) -> list[int]:
    """Cancelled steps whose clean-up was lost."""
    return _ids(connection, "clean_up")


def late_clean_ups(connection: Connection) -> list[int]:
    """Cancelled steps whose clean-up has taken too long."""
    return _ids(connection, "late_clean_up")


def lock_late_clean_up(connection: Connection, step_execution_id: int) -> StepRow | None:
    """The step, locked, if its clean-up is still not over."""
    return _lock(connection, "late_clean_up", step_execution_id)


def postpone(connection: Connection, ids: Sequence[int], *, by: timedelta) -> None:
    """Look at these again later, should this wake-up be lost too."""
    if ids:
        connection.exec_driver_sql(
            "UPDATE step_executions SET due_at = now() + %(by)s"
            " WHERE id = ANY(%(ids)s) AND status = 'RUNNING'",
            {"ids": list(ids), "by": by},
        )


def overdue_executions(connection: Connection) -> list[UUID]:
    """Executions beyond their time, or with handlers that are."""
    rows = connection.exec_driver_sql(
        "SELECT id FROM executions WHERE status IN ('PENDING', 'RUNNING')"
        " AND deadline_at <= now() ORDER BY deadline_at LIMIT %(limit)s",
        {"limit": BATCH},
    )
    return [row[0] for row in rows]


def lost_cancels(connection: Connection) -> list[UUID]:
    """Executions that were to end with one above them, and were not told so."""
    rows = connection.exec_driver_sql(
        "SELECT id FROM executions WHERE status IN ('PENDING', 'RUNNING')"
        " AND tree_cancelled_at IS NOT NULL AND abort_reason IS NULL ORDER BY id"
        " LIMIT %(limit)s",
        {"limit": BATCH},
    )
    return [row[0] for row in rows]
