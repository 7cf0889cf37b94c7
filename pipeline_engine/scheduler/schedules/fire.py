"""The fire: what is due is written to the ledger, started and aimed anew in one transaction.

Several schedules share a transaction, and each execution has a savepoint: one that cannot start
keeps no other from it. A due time has one row in the ledger, whoever comes to it, and how often.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from pipeline_engine.domain.misfires import Verdicts, judge
from pipeline_engine.domain.schedules import (
    Due,
    FireOutcome,
    FireReason,
    Misfire,
    Overlap,
    Passed,
    Pause,
    ScheduleStatus,
    Timing,
)
from pipeline_engine.errors import InvalidSchedule
from pipeline_engine.scheduler.schedules.aim import aim, hold
from pipeline_engine.scheduler.schedules.book import Book, Fired, fire_of
from pipeline_engine.scheduler.transaction import Transaction
from pipeline_engine.storage import fires, schedules, trees
from pipeline_engine.storage.tables.schedules import Schedule

#: Of a full batch, one in so many is left to what has only just become due.
FOR_THE_NEWEST = 10


@dataclass(slots=True)
class Round:
    """Schedules whose time has come, decided about in one transaction."""

    tx: Transaction
    now: datetime
    moved: list[Schedule] = field(default_factory=list)
    #: executions that have to make room; that they are to end is stored
    cancelled: list[UUID] = field(default_factory=list)
    book: Book = field(init=False)

    def __post_init__(self) -> None:
        self.book = Book(self.tx, self.now)

    @property
    def fired(self) -> Sequence[Fired]:
        """What became of due times."""
        return self.book.fired

    def fire_due(self, *, most: int) -> bool:
        """Decide about what is due; returns whether more may be."""
        connection = self.tx.connection
        found = schedules.lock_due(connection, self.now, most=most)
        is_full = len(found) == most
        if is_full:
            share = -(-most // FOR_THE_NEWEST)
            found += schedules.lock_due(connection, self.now, most=share, newest=True)
            schedules.mark_seen(connection, self.now)
        self._decide_all(list({one.id: one for one in found}.values()))
        return is_full and bool(self.moved)

    def start_queued(self, ids: Sequence[UUID]) -> None:
        """Start what waits at these schedules, whose turn has come."""
        found = self._firm(schedules.lock(self.tx.connection, ids))
        fires.note_ends(self.tx.connection, [one.id for one in found])
        for schedule in found:
            self._release(schedule)
            if schedule.enabled and not self._has_runs_left(schedule):
                hold(schedule)
                schedule.ended = ScheduleStatus.COMPLETED
            self.moved.append(schedule)
        schedules.store_moved(self.tx.connection, self.moved)

    def _decide_all(self, found: Sequence[Schedule]) -> None:
        found = self._firm(found)
        looking_back = [one.id for one in found if _looks_back(one)]
        if looking_back:
            fires.note_ends(self.tx.connection, looking_back)
        for schedule in found:
            self._decide(schedule)
            self.moved.append(schedule)
        schedules.store_moved(self.tx.connection, self.moved)

    def _firm(self, found: Sequence[Schedule]) -> list[Schedule]:
        """Those whose pipelines nobody is about to change; the others are found again."""
        firm = schedules.lock_pipelines(self.tx.connection, {one.pipeline_id for one in found})
        return [one for one in found if one.pipeline_id is None or one.pipeline_id in firm]

    # ── One schedule ─────────────────────────────────────────────────────────────────────

    def _decide(self, schedule: Schedule) -> None:
        try:
            timing = Timing.of(schedule)
        except InvalidSchedule as error:  # a zone that is gone, or a row that somebody has written
            due_at = schedule.next_due_at or self.now
            failed = fire_of(schedule, due_at, FireOutcome.FAILED, Pause.INVALID)
            self.book.note(schedule, failed, str(error))
            _pause(schedule, Pause.INVALID)
            return
        passed = timing.passed(schedule.settled_at, self.now)
        if not passed.is_empty:
            self._settle(schedule, passed)
        if schedule.enabled:
            aim(schedule, timing, self.now)

    def _settle(self, schedule: Schedule, passed: Passed) -> None:
        verdicts = judge(
            passed,
            misfire=Misfire(schedule.misfire),
            catch_up_seconds=schedule.catch_up_seconds,
            seen_at=schedule.seen_due_at or self.now,
        )
        if schedule.overlap == Overlap.QUEUE:
            self._release(schedule)
        first = self._fire_each(schedule, verdicts)
        self._pass_over(schedule, passed, verdicts, first)
        schedule.settled_at = passed.singles[-1].due_at

    def _fire_each(self, schedule: Schedule, verdicts: Verdicts) -> UUID | None:
        """Fire those that start something, and return the first execution."""
        first: UUID | None = None
        for verdict in verdicts.singles:
            if verdict.starts and self._has_runs_left(schedule):
                found = self._fire(schedule, verdict.due, verdict.late)
                first = first or found
        return first

    def _pass_over(
        self, schedule: Schedule, passed: Passed, verdicts: Verdicts, first: UUID | None
    ) -> None:
        """Write down those that start nothing: each by itself, and older ones as a range."""
        is_merged = verdicts.merges and first is not None
        outcome = FireOutcome.MERGED if is_merged else FireOutcome.SKIPPED
        into, why = first if is_merged else None, FireReason.MISFIRE
        if passed.first is not None:
            late = self.now - passed.first
            oldest = fire_of(schedule, passed.first, outcome, why, late=late, execution_id=into)
            self.book.note(schedule, replace(oldest, until_at=passed.last, count=passed.count))
        for one in verdicts.singles:
            if not one.starts:
                due_at, late = one.due.due_at, one.late
                fire = fire_of(schedule, due_at, outcome, why, late=late, execution_id=into)
                self.book.note(schedule, fire)

    def _has_runs_left(self, schedule: Schedule) -> bool:
        return schedule.max_runs is None or schedule.run_count < schedule.max_runs

    # ── One due time ─────────────────────────────────────────────────────────────────────

    def _fire(self, schedule: Schedule, due: Due, late: timedelta) -> UUID | None:
        """Start an execution for a due time, unless something speaks against it."""
        if not schedule.enabled or self._is_mistrusted(schedule):
            self._skip(schedule, due, late, FireReason.FAILURES)
            return None
        before = self._open_before(schedule)
        if before and schedule.overlap == Overlap.SKIP:
            self._skip(schedule, due, late, FireReason.OVERLAP)
        elif before and schedule.overlap == Overlap.QUEUE:
            self._queue(schedule, due, late)
        else:
            self._make_room(before)
            found = self.book.start(schedule, fire_of(schedule, due.due_at, late=late))
            return _counted(schedule, self.now, found)
        return None

    def _is_mistrusted(self, schedule: Schedule) -> bool:
        """Pause a schedule whose last executions have all failed; whether it is paused now."""
        times, since = schedule.pause_after_failures, schedule.trusted_since
        if times is None:
            return False
        if not fires.has_failed(self.tx.connection, schedule.id, since=since, times=times):
            return False
        _pause(schedule, Pause.FAILURES)
        return True

    def _open_before(self, schedule: Schedule) -> list[UUID]:
        if schedule.overlap == Overlap.ALLOW:
            return []
        return fires.open_executions(self.tx.connection, schedule.id)

    def _skip(self, schedule: Schedule, due: Due, late: timedelta, reason: FireReason) -> None:
        skipped = fire_of(schedule, due.due_at, FireOutcome.SKIPPED, reason, late=late)
        self.book.note(schedule, skipped)

    def _queue(self, schedule: Schedule, due: Due, late: timedelta) -> None:
        """Let it wait, unless another one does."""
        if fires.queued(self.tx.connection, schedule.id) is not None:
            self._skip(schedule, due, late, FireReason.OVERLAP)
        else:
            waiting = fire_of(schedule, due.due_at, FireOutcome.QUEUED, late=late)
            self.book.note(schedule, waiting)

    def _make_room(self, before: Sequence[UUID]) -> None:
        """Store that those before it are to end; the rest of a cancel comes after the commit."""
        for execution_id in before:
            trees.intend_to_stop(self.tx.connection, execution_id)
        self.cancelled += before

    def _release(self, schedule: Schedule) -> None:
        """Start the due time that waits, if nothing is open before it any more."""
        waiting = fires.queued(self.tx.connection, schedule.id)
        if waiting is None or fires.open_executions(self.tx.connection, schedule.id):
            return
        if (reason := self._against_waiting(schedule)) is None:
            _counted(schedule, self.now, self.book.start_queued(schedule, waiting))
        else:
            skipped = FireOutcome.SKIPPED
            fires.give_up_queued(self.tx.connection, [schedule.id], outcome=skipped, reason=reason)

    def _against_waiting(self, schedule: Schedule) -> FireReason | None:
        """Why what waits is not to start any more; whatever has paused the schedule counts."""
        if self._is_mistrusted(schedule):
            return FireReason.FAILURES
        if not schedule.enabled and schedule.ended is None:
            return FireReason.PAUSED
        return None if self._has_runs_left(schedule) else FireReason.RUNS


def _counted(schedule: Schedule, now: datetime, execution_id: UUID | None) -> UUID | None:
    """*execution_id*, which the schedule remembers as its last one."""
    if execution_id is not None:
        schedule.run_count += 1
        schedule.last_run_at, schedule.last_execution_id = now, execution_id
    return execution_id


def _pause(schedule: Schedule, reason: Pause) -> None:
    hold(schedule)
    schedule.disabled_reason = reason


def _looks_back(schedule: Schedule) -> bool:
    """Whether it matters to a schedule how its executions have ended."""
    return schedule.overlap != Overlap.ALLOW or schedule.pause_after_failures is not None
