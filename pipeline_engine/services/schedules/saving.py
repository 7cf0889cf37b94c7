"""Saving schedules: whatever makes one due, or due no more."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import fields, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.identity import new_id
from pipeline_engine.domain.issues import Issue
from pipeline_engine.domain.recurrence import Kind
from pipeline_engine.domain.schedules import FireOutcome, FireReason, Timing
from pipeline_engine.errors import (
    InvalidSchedule,
    PipelineNotFound,
    ScheduleEnded,
    TooManySchedules,
    VersionMismatch,
)
from pipeline_engine.scheduler import standing_orders as orders
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.schedules import aim, bells
from pipeline_engine.scheduler.transaction import Transaction
from pipeline_engine.services import audit_log, standing_orders
from pipeline_engine.services.audit_log import Act
from pipeline_engine.services.schedules.reading import StoredSchedule, get, locked
from pipeline_engine.services.schedules.wanted import ANCHORED, NAMES, PLAIN, TIMING, Wanted
from pipeline_engine.storage import fires as ledger
from pipeline_engine.storage import quotas
from pipeline_engine.storage import schedules as storage
from pipeline_engine.storage.tables.pipelines import Pipeline, PipelineRevision
from pipeline_engine.storage.tables.schedules import Schedule


def create(
    caller: Caller,
    session: Session,
    runtime: Runtime,
    wanted: Wanted,
    *,
    now: datetime | None = None,
) -> StoredSchedule:
    """Save a schedule of the owner for whom *caller* acts; it is due from now on.

    Raises ``InvalidSchedule``, ``TooManySchedules``, and what ``standing_orders.checked`` raises.
    """
    _check_quota(caller, session, runtime)
    moment = now or storage.now(session.connection())
    schedule = Schedule(id=new_id(), user_id=caller.user_id, created_by=caller.principal)
    schedule.lock_version, schedule.run_count, schedule.trusted_since = 1, 0, moment
    schedule.anchor_at = schedule.settled_at = moment
    _check(caller, session, runtime, schedule, wanted)
    _write(schedule, wanted)
    _set_time(schedule, wanted, moment)
    schedule.enabled = wanted.enabled
    _go_on(schedule, moment)
    session.add(schedule)
    session.flush()
    return _saved(caller, session, runtime, Act.SCHEDULE_CREATE, schedule)


def change(
    caller: Caller,
    session: Session,
    runtime: Runtime,
    schedule_id: UUID | str,
    given: Mapping[str, Any],
    *,
    versions: Collection[int] | None = None,
    now: datetime | None = None,
) -> StoredSchedule:
    """Change what *given* names, which are fields of ``Wanted``; the rest stays as it is.

    Who changes a schedule is from then on the one with whose rights it starts. A change of its time
    begins anew: what was due before is not made up for. Raises ``ScheduleNotFound``,
    ``VersionMismatch``, ``ScheduleEnded``, and what ``create`` raises.
    """
    schedule = _locked(caller, session, schedule_id, versions)
    moment = now or storage.now(session.connection())
    wanted = _changed(session, runtime, schedule, given)
    retimed = any(
        name in given and getattr(wanted, name) != getattr(schedule, name) for name in TIMING
    )
    was_enabled = schedule.enabled
    # One that starts nothing can be renamed, and disabled, when its pipeline is gone.
    if wanted.enabled or not NAMES.issuperset(given):
        _check(caller, session, runtime, schedule, wanted)
    _write(schedule, wanted)
    if retimed:
        schedule.ended = None
        _set_time(schedule, wanted, moment)
    schedule.enabled = wanted.enabled
    if retimed or schedule.enabled != was_enabled:
        _go_on(schedule, moment, is_asked_for="enabled" in given)
    if was_enabled and not schedule.enabled:
        _give_up_queued(session, schedule)
    _touch(schedule)
    session.flush()
    return _saved(caller, session, runtime, Act.SCHEDULE_CHANGE, schedule)


def delete(
    caller: Caller,
    session: Session,
    runtime: Runtime,
    schedule_id: UUID | str,
    *,
    versions: Collection[int] | None = None,
) -> None:
    """Delete a schedule with its ledger; what it has started goes on, and stays.

    Raises ``ScheduleNotFound`` and ``VersionMismatch``.
    """
    schedule = _locked(caller, session, schedule_id, versions)
    _record(caller, session, Act.SCHEDULE_DELETE, schedule)
    session.delete(schedule)
    session.flush()
    gone = schedule.id
    _after_commit(session, lambda: bells.tell(runtime, gone, None))


def pause(
    caller: Caller,
    session: Session,
    runtime: Runtime,
    schedule_id: UUID | str,
    *,
    versions: Collection[int] | None = None,
) -> StoredSchedule:
    """Let nothing be due until somebody resumes it; then nothing of this time is made up for.

    One that is paused, or has ended, stays as it is. Raises ``ScheduleNotFound`` and
    ``VersionMismatch``.
    """
    schedule = _locked(caller, session, schedule_id, versions)
    if schedule.enabled:
        aim.hold(schedule)
        _give_up_queued(session, schedule)
        _touch(schedule)
        session.flush()
    return _saved(caller, session, runtime, Act.SCHEDULE_PAUSE, schedule)


def resume(
    caller: Caller,
    session: Session,
    runtime: Runtime,
    schedule_id: UUID | str,
    *,
    versions: Collection[int] | None = None,
    now: datetime | None = None,
) -> StoredSchedule:
    """Go on with the first due time that is still to come; an active one stays as it is.

    Raises ``ScheduleNotFound``, ``VersionMismatch``, ``ScheduleEnded``, ``InvalidSchedule``, and
    what ``standing_orders.startable`` raises.
    """
    schedule = _locked(caller, session, schedule_id, versions)
    if schedule.ended is not None:
        raise _ended(schedule)
    if not schedule.enabled:
        orders.startable(Transaction(session.connection(), runtime), schedule)
        schedule.enabled = True
        _go_on(schedule, now or storage.now(session.connection()), is_asked_for=True)
        _touch(schedule)
        session.flush()
    return _saved(caller, session, runtime, Act.SCHEDULE_RESUME, schedule)


def _locked(
    caller: Caller, session: Session, schedule_id: UUID | str, versions: Collection[int] | None
) -> Schedule:
    found = locked(caller, session, schedule_id)
    if versions is not None and found.lock_version not in versions:
        raise VersionMismatch(
            "The schedule was changed since it was read.", lock_version=found.lock_version
        )
    return found


def _check_quota(caller: Caller, session: Session, runtime: Runtime) -> None:
    most = runtime.settings.quota("schedules", caller.user_id)
    if most is None:
        return
    connection = session.connection()
    quotas.lock(connection, caller.user_id, quotas.SCHEDULES)
    used = quotas.schedules(connection, caller.user_id)
    if used >= most:
        raise TooManySchedules(
            f"{caller.user_id or 'The system'} has {used} schedules, and may have {most};"
            " delete one first",
            quota="schedules",
            limit=most,
            used=used,
        )


def _changed(
    session: Session, runtime: Runtime, schedule: Schedule, given: Mapping[str, Any]
) -> Wanted:
    """What the row says, with what is *given* in its place."""
    kept = {f.name: getattr(schedule, f.name) for f in fields(Wanted)}
    if "params" in given:
        parameters = _parameters(session, schedule)
        params = standing_orders.kept_params(runtime.sealer, schedule, given["params"], parameters)
        given = {**given, "params": params}
    else:
        kept["params"] = orders.opened_params(runtime.sealer, schedule).value
    return replace(Wanted(**kept), **given)


def _parameters(session: Session, schedule: Schedule) -> object:
    newest = (
        select(PipelineRevision.document["parameters"])
        .join(Pipeline, Pipeline.id == PipelineRevision.pipeline_id)
        .where(Pipeline.id == schedule.pipeline_id, PipelineRevision.revision == Pipeline.revision)
    )
    return session.scalar(newest)


def _check(
    caller: Caller, session: Session, runtime: Runtime, schedule: Schedule, wanted: Wanted
) -> None:
    """Check pipeline and params as they are to be, and stamp the rights of *caller* on the row."""
    if wanted.pipeline_id is None:
        raise PipelineNotFound("The pipeline of this schedule was deleted")
    owner = caller.acting_for(schedule.user_id)
    checked = standing_orders.checked(
        owner,
        session,
        runtime,
        wanted.pipeline_id,
        wanted.params,
        order_id=schedule.id,
        before=schedule,
    )
    schedule.pipeline_id, schedule.authority = checked.pipeline_id, checked.authority
    schedule.params, schedule.sealed = checked.params, checked.sealed


def _write(schedule: Schedule, wanted: Wanted) -> None:
    """Write what needs no check."""
    topics = wanted.callback_topics
    schedule.callback_topics = None if topics is None else list(topics)
    for name in PLAIN:
        setattr(schedule, name, getattr(wanted, name))


def _set_time(schedule: Schedule, wanted: Wanted, now: datetime) -> None:
    """Write when it is to be due; raises ``InvalidSchedule`` if it never will be."""
    moves_anchor = any(getattr(schedule, n) != getattr(wanted, n) for n in ANCHORED)
    for name in TIMING:
        setattr(schedule, name, getattr(wanted, name))
    if moves_anchor:
        schedule.anchor_at = wanted.starts_at or now.replace(microsecond=0)
    timing = Timing.of(schedule)
    timing.recurrence.require_next_after(now)
    _check_bounds(wanted, timing, now)
    schedule.run_at = timing.recurrence.run_at  # an aware time, whatever was written


def _check_bounds(wanted: Wanted, timing: Timing, now: datetime) -> None:
    if wanted.expires_at is not None and wanted.expires_at <= max(now, wanted.starts_at or now):
        message = "expires_at has to be later than now, and than starts_at"
        raise _out_of_bounds("expires_at", "in_the_past", message)
    if timing.recurrence.kind is Kind.MANUAL or timing.next_after(now) is not None:
        return
    bound = "expires_at" if wanted.expires_at is not None else "starts_at"
    message = "nothing is due between starts_at and expires_at"
    raise _out_of_bounds(bound, "never_fires", message)


def _out_of_bounds(field: str, code: str, message: str) -> InvalidSchedule:
    issue = Issue(f"/{field}", code, message)
    return InvalidSchedule(f"Invalid schedule: {message}", problems=(issue,))


def _go_on(schedule: Schedule, now: datetime, *, is_asked_for: bool = False) -> None:
    """Count from now on if it is enabled, and hold it otherwise.

    Raises ``ScheduleEnded`` if somebody asks for that and nothing is left that could be due.
    """
    if not schedule.enabled:
        aim.hold(schedule)
        schedule.zone_release = ""
        return
    aim.begin_anew(schedule, now)
    if is_asked_for and schedule.ended is not None:
        raise _ended(schedule)


def _give_up_queued(session: Session, schedule: Schedule) -> None:
    outcome, reason = FireOutcome.SKIPPED, FireReason.PAUSED
    ledger.give_up_queued(session.connection(), [schedule.id], outcome=outcome, reason=reason)


def _touch(schedule: Schedule) -> None:
    schedule.lock_version += 1
    schedule.updated_at = func.now()


def _saved(
    caller: Caller, session: Session, runtime: Runtime, act: Act, schedule: Schedule
) -> StoredSchedule:
    """What is told of a schedule that was changed, once the audit log knows; beat hears of it."""
    _record(caller, session, act, schedule)
    told = get(caller, session, schedule.id)
    # Made now: what is committed may be forgotten by the session.
    schedule_id, bell = schedule.id, bells.bell_of(schedule)
    _after_commit(session, lambda: bells.tell(runtime, schedule_id, bell))
    return told


def _record(caller: Caller, session: Session, act: Act, schedule: Schedule) -> None:
    pipeline_id = schedule.pipeline_id and str(schedule.pipeline_id)
    of_what = {"schedule": schedule.name, "pipeline_id": pipeline_id}
    audit_log.record(caller, session, act, schedule.id, schedule.user_id, **of_what)


def _after_commit(session: Session, tell: Callable[[], None]) -> None:
    """Let beat know once it is lasting; if it never is, beat hears nothing."""
    event.listen(session, "after_commit", lambda _: tell(), once=True)


def _ended(schedule: Schedule) -> ScheduleEnded:
    return ScheduleEnded(f"Cannot resume {schedule.ended} schedule")
