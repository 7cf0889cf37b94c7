"""The events of an execution, in an order that never changes once it has been read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Subquery, func, or_, select
from sqlalchemy.orm import Session

from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.redaction import Redactor
from pipeline_engine.services.visibility import redactor_of
from pipeline_engine.storage.tables.events import Event, EventType

EVENT_TYPES: tuple[str, ...] = tuple(EventType)
#: Details in which ``q`` looks: never those that are shown masked, which it would tell bit by bit.
SEARCHED = ("step_id", "step_name", "error_code", "worker")


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """One event, with its number in the history of its execution."""

    id: int
    execution_id: UUID
    step_execution_id: int | None
    event_type: str
    sequence_number: int
    details: dict[str, Any]
    progress_percentage: Decimal | None
    eta_seconds: int | None
    created_at: datetime

    @property
    def timestamp(self) -> datetime:
        """When it happened, under the name that clients of the reference know."""
        return self.created_at

    @property
    def description(self) -> str:
        """What happened, in a few words: ``Completed: <step>``."""
        words = self.event_type.removeprefix("workflow_").removeprefix("step_")
        said = words.replace("_", " ").capitalize()
        name = self.details.get("step_name")
        return f"{said}: {name}" if name else said


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Which events are listed: the newest first, or what came *after* a number."""

    event_types: Sequence[str] = ()
    step_id: str | None = None
    q: str | None = None  #: a part of a kind, of a step's id or name, of an error code or a worker
    start: datetime | None = None
    end: datetime | None = None
    after: int | None = None
    limit: int = 100
    offset: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EventList:
    """Some events, and how many answer to the filter in all."""

    entries: Sequence[EventRecord]
    total: int
    limit: int
    offset: int
    last: int | None  #: the highest number in *entries*, to go on after


def events(caller: Caller, session: Session, execution_id: UUID, wanted: EventFilter) -> EventList:
    """Newest first; with ``after``, oldest first, so that a follower misses nothing."""
    redactor = redactor_of(caller, session, execution_id)
    numbered = _numbered(execution_id)
    conditions = _conditions(wanted, numbered)
    total = session.scalar(
        select(func.count())
        .select_from(numbered)
        .join(Event, Event.id == numbered.c.id)
        .where(*conditions)
        if conditions
        else select(func.count()).select_from(numbered)
    )
    order = numbered.c.number.desc() if wanted.after is None else numbered.c.number
    rows = session.execute(
        select(Event, numbered.c.number)
        .join(numbered, numbered.c.id == Event.id)
        .where(*conditions)
        .order_by(order)
        .limit(wanted.limit)
        .offset(wanted.offset)
    ).all()
    entries = [_record(row, redactor) for row in rows]
    last = max((entry.sequence_number for entry in entries), default=wanted.after)
    return EventList(
        entries=entries, total=total or 0, limit=wanted.limit, offset=wanted.offset, last=last
    )


def _numbered(execution_id: UUID) -> Subquery:
    """The ids of the events of an execution with their numbers.

    What belongs to a transaction that is younger than the oldest open one is not shown yet:
    an older one could still commit an event in front of it, and a follower would never see it.
    """
    order = (Event.transaction_id, Event.id)
    oldest_open: ColumnElement[int] = func.pg_snapshot_xmin(func.pg_current_snapshot())
    return (
        select(Event.id, func.row_number().over(order_by=order).label("number"))
        .where(Event.execution_id == execution_id, Event.transaction_id < oldest_open)
        .subquery()
    )


def _conditions(wanted: EventFilter, numbered: Subquery) -> Sequence[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.event_types:
        found.append(Event.event_type.in_(wanted.event_types))
    if wanted.step_id is not None:
        found.append(Event.details["step_id"].astext == wanted.step_id)
    if wanted.q:
        searched = (Event.event_type, *(Event.details[name].astext for name in SEARCHED))
        found.append(or_(*(text.icontains(wanted.q, autoescape=True) for text in searched)))
    if wanted.start is not None:
        found.append(Event.created_at >= wanted.start)
    if wanted.end is not None:
        found.append(Event.created_at <= wanted.end)
    if wanted.after is not None:
        found.append(numbered.c.number > wanted.after)
    return found


def _record(row: Row[Event, int], redactor: Redactor) -> EventRecord:
    event, number = row
    return EventRecord(
        id=event.id,
        execution_id=event.execution_id,
        step_execution_id=event.step_execution_id,
        event_type=event.event_type,
        sequence_number=number,
        details=redactor.redact(event.details or {}),
        progress_percentage=event.progress_percentage,
        eta_seconds=event.eta_seconds,
        created_at=event.created_at,
    )
