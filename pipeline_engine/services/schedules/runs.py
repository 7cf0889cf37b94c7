"""Executions of schedules that somebody asks for: by hand, for times that passed, or by polling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.identity import new_id
from pipeline_engine.domain.recurrence import EARLIEST
from pipeline_engine.domain.schedules import TICK, FireOrigin, FireOutcome, Timing
from pipeline_engine.errors import PipelineNotFound
from pipeline_engine.failpoints import Failpoint, failpoint
from pipeline_engine.scheduler import start as starting
from pipeline_engine.scheduler.outbox import send, send_first
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.schedules import look
from pipeline_engine.scheduler.schedules.book import Book, fire_of
from pipeline_engine.scheduler.transaction import Transaction, retry_on_conflict, transaction
from pipeline_engine.services import audit_log
from pipeline_engine.services.audit_log import Act
from pipeline_engine.services.schedules.reading import locked
from pipeline_engine.storage import fires as ledger
from pipeline_engine.storage import schedules as storage
from pipeline_engine.storage.fires import Decided, Fire
from pipeline_engine.storage.tables.schedules import Schedule

MOST_BACKFILLED = 100  #: due times of one backfill


@dataclass(frozen=True, slots=True)
class Triggered:
    """An execution that was started by hand."""

    execution_id: UUID
    pipeline_id: UUID


def trigger(
    caller: Caller,
    runtime: Runtime,
    schedule_id: UUID | str,
    params: Mapping[str, Any],
    *,
    now: datetime | None = None,
) -> Triggered:
    """Start what a schedule says now, with *params* before its own.

    It counts for its ``overlap``, and for none of its figures. *caller* has to have the rights that
    the steps need, too. Raises ``ScheduleNotFound`` and what ``standing_orders.follow`` raises.
    """

    def attempt() -> tuple[Transaction, Triggered]:
        with transaction(runtime) as tx:
            schedule = _locked(caller, tx, schedule_id)
            started = _start_by_hand(
                caller, tx, schedule, params, now or storage.now(tx.connection)
            )
        return tx, started

    tx, started = retry_on_conflict(attempt)
    failpoint(Failpoint.AFTER_START_BEFORE_SEND)
    send_first(tx)
    return started


def _start_by_hand(
    caller: Caller,
    tx: Transaction,
    schedule: Schedule,
    params: Mapping[str, Any],
    now: datetime,
) -> Triggered:
    pipeline_id = _pipeline(schedule)
    found = starting.pipeline_with_id(tx, (caller,), pipeline_id)
    starting.check_rights(found.plan, caller)
    # Never at a full second, where due times are: it would be taken for one of them.
    at = now if now.microsecond else now + TICK
    execution_id = new_id()
    fire = fire_of(schedule, at, origin=FireOrigin.MANUAL, execution_id=execution_id)
    ledger.record(tx.connection, fire)
    Book(tx, now).follow(schedule, fire, params)
    _record(caller, tx, Act.SCHEDULE_TRIGGER, schedule, execution_id=str(execution_id))
    return Triggered(execution_id, pipeline_id)


# ── Backfill ─────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfilled:
    """A due time that has passed, and what became, or would become, of it."""

    due_at: datetime
    starts: bool  #: an execution starts for it; otherwise one did before
    before: str | None  #: what the ledger said before; null if nothing
    execution_id: UUID | None = None
    reason: str | None = None  #: why it could not be started


def backfill(
    caller: Caller,
    runtime: Runtime,
    schedule_id: UUID | str,
    *,
    since: datetime,
    until: datetime,
    most: int = MOST_BACKFILLED,
    dry_run: bool = True,
    now: datetime | None = None,
) -> list[Backfilled]:
    """Start an execution for each due time that has passed without one; first see which.

    They are the first *most* of those from *since* to *until*, both included, and start at once,
    whatever the schedule says of overlaps. Raises ``ScheduleNotFound`` and ``PipelineNotFound``.
    """

    def attempt() -> tuple[Transaction, list[Backfilled]]:
        with transaction(runtime) as tx:
            schedule = _locked(caller, tx, schedule_id)
            _pipeline(schedule)
            moment = now or storage.now(tx.connection)
            plan = _plan(tx, schedule, since, min(until, moment), most)
            if dry_run:
                return tx, plan
            done = _carry_out(tx, schedule, plan, moment)
            started = sum(one.starts for one in done)
            _record(caller, tx, Act.SCHEDULE_BACKFILL, schedule, started=started)
        return tx, done

    tx, told = retry_on_conflict(attempt)
    send(tx)
    return told


def _plan(
    tx: Transaction, schedule: Schedule, since: datetime, until: datetime, most: int
) -> list[Backfilled]:
    after = max(since, EARLIEST) - TICK
    due = Timing.of(schedule).between(after, until, min(most, MOST_BACKFILLED))
    known = ledger.decided(tx.connection, schedule.id, due)
    return [_planned(at, known.get(at)) for at in due]


def _planned(due_at: datetime, known: Decided | None) -> Backfilled:
    before = None if known is None else known.outcome
    is_done = before in (FireOutcome.FIRED, FireOutcome.QUEUED)
    return Backfilled(due_at=due_at, starts=not is_done, before=before)


def _carry_out(
    tx: Transaction, schedule: Schedule, plan: Sequence[Backfilled], now: datetime
) -> list[Backfilled]:
    book, timing = Book(tx, now), Timing.of(schedule)
    for one in plan:
        if one.starts:
            _take_out(tx, schedule, timing, one.due_at)
            late = max(now - one.due_at, timedelta(0))
            origin = FireOrigin.BACKFILL
            book.start(schedule, fire_of(schedule, one.due_at, late=late, origin=origin))
    fired = {one.fire.due_at: one.fire for one in book.fired}
    return [_came_of(one, fired.get(one.due_at)) for one in plan]


def _take_out(tx: Transaction, schedule: Schedule, timing: Timing, due_at: datetime) -> None:
    """Let a due time that shares a row with others have one of its own."""
    known = ledger.decided(tx.connection, schedule.id, [due_at]).get(due_at)
    if known is not None and known.span is not None:
        ledger.split(tx.connection, known.id, timing.without(known.span, due_at))


def _came_of(planned: Backfilled, fire: Fire | None) -> Backfilled:
    if fire is None:
        return replace(planned, starts=False)
    starts = fire.outcome is FireOutcome.FIRED
    return replace(planned, starts=starts, execution_id=fire.execution_id, reason=fire.reason)


# ── Polling ──────────────────────────────────────────────────────────────────────────────

Polled = look.Look


def poll(caller: Caller, runtime: Runtime) -> Polled:
    """Fire a batch of what is due, as a sweep does: for clients of the reference service.

    Whoever rings need not be believed: rows say what is due, and *caller* hears what became of the
    schedules in his sight.
    """
    found = look.fire_due(runtime)
    if caller.sees_all:
        return found
    seen = [one for one in found.fired if caller.owns(one.schedule.user_id)]
    return Polled(found.at, seen, found.looked_at, found.is_full)


def _locked(caller: Caller, tx: Transaction, schedule_id: UUID | str) -> Schedule:
    with Session(tx.connection, autoflush=False) as session:
        found = locked(caller, session, schedule_id)
        session.expunge_all()
    return found


def _pipeline(schedule: Schedule) -> UUID:
    if schedule.pipeline_id is None:
        raise PipelineNotFound("The pipeline of this schedule was deleted")
    return schedule.pipeline_id


def _record(
    caller: Caller, tx: Transaction, act: Act, schedule: Schedule, **details: object
) -> None:
    audit_log.record(
        caller,
        tx.connection,
        act,
        schedule.id,
        schedule.user_id,
        schedule=schedule.name,
        **details,
    )
