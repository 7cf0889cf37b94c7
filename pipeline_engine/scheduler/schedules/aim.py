"""When a schedule is due next, and whether it ever will be."""

from __future__ import annotations

from datetime import datetime

from pipeline_engine.domain.recurrence import Kind, zone_release
from pipeline_engine.domain.schedules import Due, ScheduleStatus, Timing
from pipeline_engine.storage.tables.schedules import Schedule


def begin_anew(schedule: Schedule, now: datetime) -> None:
    """Let a schedule count from *now* on, whichever way led to that.

    What was due before is nobody's business any more: pausing is an intention, and so is a change.
    Raises ``InvalidSchedule``.
    """
    schedule.settled_at = schedule.trusted_since = now
    schedule.disabled_reason = None
    aim(schedule, Timing.of(schedule), now)


def hold(schedule: Schedule) -> None:
    """Let nothing be due."""
    schedule.enabled = False
    schedule.next_due_at = schedule.next_fire_at = schedule.seen_due_at = None


def aim(schedule: Schedule, timing: Timing, now: datetime) -> None:
    """Say when it is due next after what is settled, or that it has ended."""
    due = timing.next_after(schedule.settled_at)
    ended = _end(schedule, timing, due, now)
    schedule.ended = ended
    if ended is not None:
        hold(schedule)
        return
    schedule.seen_due_at = None
    schedule.zone_release = zone_release()
    schedule.next_due_at = due.due_at if due else None
    # With nothing before it, what comes next is its expiry: somebody has to say so.
    schedule.next_fire_at = due.fire_at if due else schedule.expires_at


def _end(
    schedule: Schedule, timing: Timing, due: Due | None, now: datetime
) -> ScheduleStatus | None:
    if schedule.expires_at is not None and schedule.expires_at <= now:
        return ScheduleStatus.EXPIRED
    if schedule.max_runs is not None and schedule.run_count >= schedule.max_runs:
        return ScheduleStatus.COMPLETED
    if schedule.kind == Kind.MANUAL or due is not None:
        return None
    expires = schedule.expires_at is not None
    would_go_on = expires and timing.recurrence.next_after(schedule.settled_at) is not None
    return None if would_go_on else ScheduleStatus.COMPLETED
