"""What all of a caller's executions are up to now, and what became of those of the last day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, literal, select
from sqlalchemy.orm import Session

from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.scopes import Scope
from pipeline_engine.domain.states import ExecutionStatus
from pipeline_engine.storage.parked import ParkedFilter, parked
from pipeline_engine.storage.tables.executions import Execution
from pipeline_engine.storage.tables.pipelines import Pipeline
from pipeline_engine.storage.tables.schedules import Schedule
from pipeline_engine.storage.visibility import visible_to

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
HOURS = 24
MOST_DUE = 10
OPEN = (ExecutionStatus.PENDING, ExecutionStatus.RUNNING)


@dataclass(frozen=True, slots=True)
class OldestParked:
    """A step that waits for the outside world."""

    execution_id: UUID
    pipeline_name: str
    step_id: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Parked:
    """How many steps wait for the outside world, and the one that has done so for longest."""

    count: int
    oldest: OldestParked | None


@dataclass(frozen=True, slots=True)
class Due:
    """What a schedule starts next."""

    schedule_id: UUID
    name: str
    pipeline_id: UUID
    pipeline_name: str
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """How many executions were started, and how many ended, in an hour of UTC."""

    begins_at: datetime
    completed: int = 0
    failed: int = 0
    interrupted: int = 0
    started: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What a caller's executions are up to."""

    running: int
    waiting: int  #: PENDING: stored, and not begun
    parked: Parked
    failed_24h: int
    next_due: Sequence[Due]
    hours: Sequence[Hour]  #: 24 of them, the oldest first; the last one is not over
    taken_at: datetime


def overview(caller: Caller, session: Session, *, now: datetime | None = None) -> Overview:
    """Some counts by indexes, whatever the number of executions that ended before this day."""
    now = now or datetime.now(UTC)
    in_hand = _in_hand(caller, session)
    return Overview(
        running=in_hand.get(ExecutionStatus.RUNNING, 0),
        waiting=in_hand.get(ExecutionStatus.PENDING, 0),
        parked=_parked(caller, session),
        failed_24h=_failed(caller, session, since=now - DAY),
        next_due=_next_due(caller, session),
        hours=_hours(caller, session, now),
        taken_at=now,
    )


def _in_hand(caller: Caller, session: Session) -> dict[str, int]:
    counted = (
        select(Execution.status, func.count())
        .where(Execution.status.in_(OPEN), visible_to(Execution, caller))
        .group_by(Execution.status)
    )
    return {row[0]: row[1] for row in session.execute(counted)}


def _parked(caller: Caller, session: Session) -> Parked:
    rows, count = parked(session, caller, ParkedFilter(), limit=1, offset=0)
    if not rows:
        return Parked(count, None)
    row = rows[0]
    return Parked(count, OldestParked(row.execution_id, row.pipeline_name, row.step_id, row.since))


def _failed(caller: Caller, session: Session, *, since: datetime) -> int:
    failed = (Execution.status == ExecutionStatus.FAILED, Execution.finished_at >= since)
    counted = select(func.count()).select_from(Execution)
    return session.scalar(counted.where(*failed, visible_to(Execution, caller))) or 0


def _next_due(caller: Caller, session: Session) -> Sequence[Due]:
    """What is due next, of schedules that *caller* may read."""
    if not caller.may(Scope.SCHEDULES_READ):
        return ()
    rows = session.execute(
        select(Schedule.id, Schedule.name, Pipeline.id, Pipeline.name, Schedule.next_due_at)
        .join(Pipeline, Pipeline.id == Schedule.pipeline_id)
        .where(
            Schedule.enabled,
            Schedule.next_due_at.is_not(None),
            visible_to(Schedule, caller),
        )
        .order_by(Schedule.next_due_at, Schedule.id)
        .limit(MOST_DUE)
    )
    return [Due(*row) for row in rows]


def _hours(caller: Caller, session: Session, now: datetime) -> Sequence[Hour]:
    this_hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    begins = [this_hour - HOUR * (HOURS - 1 - number) for number in range(HOURS)]
    counts: dict[datetime, dict[str, int]] = {moment: {} for moment in begins}
    for selected in (
        _by_hour(caller, Execution.finished_at, begins[0], func.lower(Execution.status)),
        _by_hour(caller, Execution.created_at, begins[0], literal("started")),
    ):
        for moment, word, count in session.execute(selected):
            if moment in counts:  # a clock that is ahead of ours has begun the next hour
                counts[moment][word] = count
    return [Hour(begins_at=moment, **counts[moment]) for moment in begins]


def _by_hour(
    caller: Caller, column: Any, since: datetime, word: ColumnElement[str]
) -> Select[*tuple[Any, ...]]:
    hour = func.date_trunc("hour", column, "UTC").label("hour")
    return (
        select(hour, word.label("word"), func.count())
        .where(column >= since, visible_to(Execution, caller))
        .group_by("hour", "word")
    )
