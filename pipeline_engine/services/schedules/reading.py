"""Schedules in the sight of a caller: what they are up to, what is next, what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.schedules import ScheduleStatus, Timing
from pipeline_engine.errors import AdministratorsOnly, InvalidSchedule, ScheduleNotFound
from pipeline_engine.services import standing_orders
from pipeline_engine.services.pages import Listed, Page
from pipeline_engine.services.schedules.preview import Runs
from pipeline_engine.storage import schedules as storage
from pipeline_engine.storage.standing_orders import hold_pipeline_of
from pipeline_engine.storage.tables.executions import Execution
from pipeline_engine.storage.tables.pipelines import Pipeline, PipelineRevision
from pipeline_engine.storage.tables.schedules import Schedule, ScheduleFire
from pipeline_engine.storage.visibility import visible_to


@dataclass(frozen=True, slots=True)
class StoredSchedule:
    """All that is told of a schedule."""

    schedule: Schedule
    params: Mapping[str, Any]  #: without secrets
    pipeline_name: str | None  #: null once it was deleted
    last_execution_status: str | None
    in_words: str  #: when it is due


def get(caller: Caller, session: Session, schedule_id: UUID | str) -> StoredSchedule:
    """One schedule; raises ``ScheduleNotFound``."""
    wanted = _identity(schedule_id)
    found = session.execute(_told(caller).where(Schedule.id == wanted)).one_or_none()
    if found is None:
        raise not_found(schedule_id)
    return _stored(*found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which schedules are wanted; what is null is not asked for."""

    pipeline_id: UUID | None = None
    name: str | None = None
    enabled: bool | None = None
    status: str | None = None


def listed(
    caller: Caller, session: Session, *, page: Page, wanted: Filter | None = None
) -> Listed[StoredSchedule]:
    """Schedules in the sight of *caller*, the newest first."""
    conditions = _conditions(wanted or Filter())
    in_sight = visible_to(Schedule, caller)
    counted = select(func.count()).select_from(Schedule).where(in_sight, *conditions)
    total = session.scalar(counted) or 0
    rows = session.execute(
        _told(caller)
        .where(*conditions)
        .order_by(Schedule.created_at.desc(), Schedule.id.desc())
        .limit(page.size)
        .offset(page.offset)
    ).all()
    return Listed([_stored(*row) for row in rows], total, page)


def next_runs(
    caller: Caller,
    session: Session,
    schedule_id: UUID | str,
    count: int,
    *,
    now: datetime | None = None,
) -> Runs:
    """The next *count* due times, as if it were not paused; fewer if it ends before.

    Raises ``ScheduleNotFound`` and ``InvalidSchedule``.
    """
    schedule = seen(caller, session, schedule_id)
    if schedule.ended is not None:
        count = 0
    elif schedule.max_runs is not None:
        count = min(count, max(schedule.max_runs - schedule.run_count, 0))
    moment = now or storage.now(session.connection())
    timing = Timing.of(schedule)
    found = timing.upcoming(max(moment, schedule.settled_at), count)
    return Runs(found, schedule.timezone, timing.recurrence.description)


def fires(
    caller: Caller,
    session: Session,
    schedule_id: UUID | str,
    *,
    page: Page,
    outcome: str | None = None,
) -> Listed[ScheduleFire]:
    """What became of the due times of a schedule, the newest first; raises ``ScheduleNotFound``."""
    schedule = seen(caller, session, schedule_id)
    conditions: list[ColumnElement[bool]] = [ScheduleFire.schedule_id == schedule.id]
    if outcome is not None:
        conditions.append(ScheduleFire.outcome == outcome)
    counted = select(func.count()).select_from(ScheduleFire).where(*conditions)
    total = session.scalar(counted) or 0
    rows = session.scalars(
        select(ScheduleFire)
        .where(*conditions)
        .order_by(ScheduleFire.due_at.desc())
        .limit(page.size)
        .offset(page.offset)
    ).all()
    return Listed(list(rows), total, page)


def _conditions(wanted: Filter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.pipeline_id is not None:
        found.append(Schedule.pipeline_id == wanted.pipeline_id)
    if wanted.name is not None:
        found.append(Schedule.name == wanted.name)
    if wanted.enabled is not None:
        found.append(Schedule.enabled.is_(wanted.enabled))
    if wanted.status is not None:
        found.append(storage.has_status(ScheduleStatus(wanted.status)))
    return found


def _told(caller: Caller) -> Select[Any]:
    """A schedule in sight, with what is told of its pipeline and its last execution."""
    return (
        select(Schedule, Pipeline.name, PipelineRevision.document["parameters"], Execution.status)
        .outerjoin(Pipeline, Pipeline.id == Schedule.pipeline_id)
        .outerjoin(
            PipelineRevision,
            (PipelineRevision.pipeline_id == Pipeline.id)
            & (PipelineRevision.revision == Pipeline.revision),
        )
        .outerjoin(Execution, Execution.id == Schedule.last_execution_id)
        .where(visible_to(Schedule, caller))
        .execution_options(populate_existing=True)
    )


def _stored(
    schedule: Schedule, pipeline: str | None, parameters: object, status: str | None
) -> StoredSchedule:
    params = standing_orders.shown_params(schedule, parameters)
    return StoredSchedule(schedule, params, pipeline, status, _words(schedule))


def _words(schedule: Schedule) -> str:
    try:
        return Timing.of(schedule).recurrence.description
    except InvalidSchedule as error:  # its zone is gone since it was saved
        return str(error)


def locked(caller: Caller, session: Session, schedule_id: UUID | str) -> Schedule:
    """A schedule that *caller* may change, locked.

    Raises ``ScheduleNotFound``, and ``AdministratorsOnly`` for one of the system.
    """
    hold_pipeline_of(session.connection(), Schedule, _identity(schedule_id))
    found = seen(caller, session, schedule_id, locks=True)
    if found.user_id is None and not caller.is_administrator:
        raise AdministratorsOnly
    return found


def not_found(schedule_id: object) -> ScheduleNotFound:
    """The same answer for what does not exist and for what belongs to somebody else."""
    return ScheduleNotFound("Schedule not found", schedule_id=str(schedule_id))


def seen(
    caller: Caller, session: Session, schedule_id: UUID | str, *, locks: bool = False
) -> Schedule:
    """A schedule in the sight of *caller*; raises ``ScheduleNotFound``."""
    in_sight = visible_to(Schedule, caller)
    wanted = select(Schedule).where(Schedule.id == _identity(schedule_id), in_sight)
    if locks:
        wanted = wanted.with_for_update()
    found = session.scalars(wanted.execution_options(populate_existing=True)).one_or_none()
    if found is None:
        raise not_found(schedule_id)
    return found


def _identity(schedule_id: UUID | str) -> UUID:
    try:
        return schedule_id if isinstance(schedule_id, UUID) else UUID(schedule_id)
    except ValueError:
        raise not_found(schedule_id) from None
