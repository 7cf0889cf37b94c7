"""Event triggers as workers use them: one is locked while it decides, and its windows with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, select

from pipeline_engine.storage.overdue import BATCH, Clock
from pipeline_engine.storage.tables.event_triggers import EventTrigger

_COLUMNS = "id, key, quiet_seconds, max_wait_seconds, first_at, last_at, due_at, count,"
_COLUMNS += " last_delivery_id"


@dataclass(frozen=True, slots=True)
class Window:
    """Events of one trigger with one key that have come, and not fired yet."""

    id: int
    key: str
    quiet_seconds: float
    max_wait_seconds: float | None
    first_at: datetime
    last_at: datetime
    due_at: datetime
    count: int
    last_delivery_id: int


def lock(connection: Connection, trigger_id: UUID) -> EventTrigger | None:
    """A trigger, which nobody else changes or decides for until the transaction has ended.

    It belongs to no session: what is written to it is not stored.
    """
    table = EventTrigger.__table__
    wanted = select(table).where(table.c.id == trigger_id).with_for_update(key_share=True)
    row = connection.execute(wanted).mappings().one_or_none()
    return None if row is None else EventTrigger(**row)


def note_fired(connection: Connection, trigger_id: UUID, *, at: datetime, times: int) -> None:
    """Count executions that a trigger has started."""
    connection.exec_driver_sql(
        "UPDATE event_triggers SET trigger_count = trigger_count + %(times)s,"
        " last_triggered_at = greatest(last_triggered_at, %(at)s) WHERE id = %(id)s",
        {"times": times, "at": at, "id": trigger_id},
    )


def now(connection: Connection) -> datetime:
    """What time it is for all processes."""
    moment: datetime = connection.exec_driver_sql("SELECT now()").scalar_one()
    return moment


# ── Windows ──────────────────────────────────────────────────────────────────────────────


def window(connection: Connection, trigger_id: UUID, key: str) -> Window | None:
    """The open window of a key."""
    row = connection.exec_driver_sql(
        f"SELECT {_COLUMNS} FROM event_trigger_windows WHERE trigger_id = %(id)s AND key = %(key)s",
        {"id": trigger_id, "key": key},
    ).one_or_none()
    return None if row is None else Window(*row)


def keep_window(connection: Connection, trigger_id: UUID, found: Window) -> None:
    """Open a window, or store what it is now."""
    connection.exec_driver_sql(
        "INSERT INTO event_trigger_windows (trigger_id, key, quiet_seconds, max_wait_seconds,"
        " first_at, last_at, due_at, count, last_delivery_id)"
        " VALUES (%(trigger)s, %(key)s, %(quiet)s, %(most)s, %(first)s, %(last)s, %(due)s,"
        " %(count)s, %(delivery)s)"
        " ON CONFLICT (trigger_id, key) DO UPDATE SET first_at = excluded.first_at,"
        " last_at = excluded.last_at, due_at = excluded.due_at, count = excluded.count,"
        " last_delivery_id = excluded.last_delivery_id",
        {
            "trigger": trigger_id,
            "key": found.key,
            "quiet": found.quiet_seconds,
            "most": found.max_wait_seconds,
            "first": found.first_at,
            "last": found.last_at,
            "due": found.due_at,
            "count": found.count,
            "delivery": found.last_delivery_id,
        },
    )


def take_due(
    connection: Connection, trigger_id: UUID, *, moment: datetime, limit: int = BATCH
) -> list[Window]:
    """Remove the windows of a trigger that end at *moment* or before, the earliest first."""
    rows = connection.exec_driver_sql(
        f"DELETE FROM event_trigger_windows WHERE id IN ("
        "SELECT id FROM event_trigger_windows WHERE trigger_id = %(id)s AND due_at <= %(now)s"
        f" ORDER BY due_at, id LIMIT %(limit)s) RETURNING {_COLUMNS}",
        {"id": trigger_id, "now": moment, "limit": limit},
    )
    return sorted((Window(*row) for row in rows), key=lambda found: (found.due_at, found.id))


def close(connection: Connection, window_id: int) -> None:
    """Remove a window."""
    connection.exec_driver_sql(
        "DELETE FROM event_trigger_windows WHERE id = %(id)s", {"id": window_id}
    )


def due(connection: Connection, *, moment: datetime | None = None) -> Sequence[UUID]:
    """The triggers that have windows to close."""
    rows = connection.exec_driver_sql(
        "SELECT DISTINCT trigger_id FROM event_trigger_windows"
        " WHERE due_at <= coalesce(%(now)s::timestamptz, now()) LIMIT %(limit)s",
        {"now": moment, "limit": BATCH},
    )
    return [row[0] for row in rows]


def clock(connection: Connection, *, within: timedelta) -> Clock:
    """Whether a window is due, and when the next one *within* this time is."""
    row = connection.exec_driver_sql(
        "SELECT count(*) FILTER (WHERE due_at <= now()) > 0,"
        " extract(epoch FROM min(due_at) FILTER (WHERE due_at > now()) - now())::float8"
        " FROM event_trigger_windows WHERE due_at <= now() + %(within)s",
        {"within": within},
    ).one()
    return Clock(*row)
