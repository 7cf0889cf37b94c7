"""Schedules as the engine finds and moves them; whatever is due is locked before it is touched."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    not_,
    select,
    update,
)
from sqlalchemy.orm import Session

from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.schedules import ScheduleStatus
from pipeline_engine.storage.postgres import driver
from pipeline_engine.storage.tables.schedules import Schedule
from pipeline_engine.storage.visibility import visible_to

#: What the next look is for.
_CLOCK = "enabled AND next_fire_at IS NOT NULL"


def now(connection: Connection) -> datetime:
    """What the clock of the database says, which all processes share."""
    moment: datetime = driver.fetch(connection, "SELECT clock_timestamp()", {})[0][0]
    return moment


# ── What is due ──────────────────────────────────────────────────────────────────────────


def lock_due(
    connection: Connection, moment: datetime, *, most: int, newest: bool = False
) -> list[Schedule]:
    """Schedules that are due, locked; those that somebody else has locked are left out.

    The longest due are first, or with *newest* those that have only just become due.
    """
    order = Schedule.next_fire_at.desc() if newest else Schedule.next_fire_at
    due = and_(Schedule.enabled, Schedule.next_fire_at <= moment)
    return _locked(connection, select(Schedule).where(due).order_by(order).limit(most))


def lock(connection: Connection, ids: Collection[UUID]) -> list[Schedule]:
    """These schedules, locked; those that somebody else has locked are left out."""
    return _locked(connection, select(Schedule).where(Schedule.id.in_(ids)))


def _locked(connection: Connection, wanted: Select[Schedule]) -> list[Schedule]:
    with Session(connection, autoflush=False) as session:
        found = list(session.scalars(wanted.with_for_update(skip_locked=True)))
        session.expunge_all()
    return found


def lock_pipelines(connection: Connection, ids: Iterable[UUID | None]) -> set[UUID]:
    """Those of these pipelines that stay as they are until the end of the transaction.

    Whoever deletes or changes one has locked it; nobody waits for him while he may wait for a
    schedule. The others are looked at again.
    """
    wanted = driver.array(one for one in ids if one is not None)
    rows = driver.fetch(
        connection,
        "SELECT id FROM pipelines WHERE id = ANY(%(ids)s::uuid[]) FOR KEY SHARE SKIP LOCKED",
        {"ids": wanted},
    )
    return {row[0] for row in rows}


def mark_seen(connection: Connection, moment: datetime) -> None:
    """Say of all that is due that it was seen: nobody is to blame it if he comes to it late."""
    driver.run(
        connection,
        "UPDATE schedules s SET seen_due_at = %(now)s FROM ("
        f" SELECT id FROM schedules WHERE {_CLOCK} AND next_fire_at <= %(now)s"
        " AND seen_due_at IS NULL FOR UPDATE SKIP LOCKED"
        ") due WHERE s.id = due.id",
        {"now": moment},
    )


def next_in(connection: Connection, *, within: timedelta) -> float | None:
    """Seconds until the next one is due, 0 or less if one is; None if that is not *within*."""
    found = driver.fetch(
        connection,
        "SELECT extract(epoch FROM min(next_fire_at) - now())::float8 FROM schedules"
        f" WHERE {_CLOCK} AND next_fire_at <= now() + %(within)s",
        {"within": within},
    )
    return None if found[0][0] is None else float(found[0][0])


# ── Moves ────────────────────────────────────────────────────────────────────────────────

#: What a fire changes; the rest is its owner's.
MOVED = (
    "settled_at",
    "next_due_at",
    "next_fire_at",
    "zone_release",
    "seen_due_at",
    "run_count",
    "last_run_at",
    "last_execution_id",
    "enabled",
    "disabled_reason",
    "ended",
)


def store_moved(connection: Connection, moved: Sequence[Schedule]) -> None:
    """Write what has become of these schedules, which the transaction has locked."""
    if moved:
        table: Any = Schedule.__table__
        values = [{"key": one.id, **{name: getattr(one, name) for name in MOVED}} for one in moved]
        # Nobody has changed what they say.
        moves = update(table).values(updated_at=table.c.updated_at)
        connection.execute(moves.where(table.c.id == bindparam("key")), values)


# ── What the bells are compared with ─────────────────────────────────────────────────────


def rung(connection: Connection) -> dict[UUID, int]:
    """The schedules that beat is to ring for, with the version of each."""
    rows = driver.fetch(
        connection,
        "SELECT id, lock_version FROM schedules WHERE enabled AND next_due_at IS NOT NULL",
        {},
    )
    return {row[0]: row[1] for row in rows}


def some(connection: Connection, ids: Collection[UUID]) -> list[Schedule]:
    """Those of these schedules that there are."""
    with Session(connection, autoflush=False) as session:
        found = list(session.scalars(select(Schedule).where(Schedule.id.in_(ids))))
        session.expunge_all()
    return found


def doubtful(connection: Connection, *, release: str, most: int) -> list[UUID]:
    """Those whose next time may be wrong.

    It was computed by other rules of the time zones, or never, or the clock was ahead at that time.
    """
    rows = driver.fetch(
        connection,
        "SELECT id FROM schedules WHERE enabled AND kind <> 'manual'"
        " AND (zone_release <> %(release)s OR next_fire_at IS NULL"
        "  OR settled_at > now() + interval '5 seconds')"
        " ORDER BY id LIMIT %(most)s",
        {"release": release, "most": most},
    )
    return [row[0] for row in rows]


# ── For those who ask ────────────────────────────────────────────────────────────────────


def due_by(session: Session, caller: Caller, end: datetime, *, most: int) -> Sequence[Schedule]:
    """Schedules in sight of *caller* that are due before *end*, the next first."""
    due = (Schedule.enabled, Schedule.ended.is_(None), Schedule.next_due_at < end)
    wanted = select(Schedule).where(*due, visible_to(Schedule, caller))
    return session.scalars(wanted.order_by(Schedule.next_due_at, Schedule.id).limit(most)).all()


def has_status(status: ScheduleStatus) -> ColumnElement[bool]:
    """The condition on schedules that are up to this."""
    if status in (ScheduleStatus.EXPIRED, ScheduleStatus.COMPLETED):
        return Schedule.ended == status.value
    enabled = Schedule.enabled if status is ScheduleStatus.ACTIVE else not_(Schedule.enabled)
    return and_(Schedule.ended.is_(None), enabled)
