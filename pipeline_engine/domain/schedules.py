"""When a schedule is due, and what may become of a due time.

A due time is *nominal*: what the expression says. A schedule with jitter fires a little later, by
an amount that follows from the schedule and the due time: it is the same for every process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import blake2b
from types import SimpleNamespace
from typing import Any, Protocol, Self

from pipeline_engine.domain.recurrence import Oddity, Recurrence

#: Due times of one schedule that get a row each at a time; what is older shares one row.
MOST_SINGLE = 100
#: What is older is counted up to here.
MOST_COUNTED = 100_000_000
TICK = timedelta(microseconds=1)
#: How far one first looks back for the newest of many.
GLANCE = timedelta(minutes=2)


class Misfire(StrEnum):
    """What becomes of due times at which nobody was there."""

    SKIP = "skip"
    LAST = "last"  #: one execution for all of them
    ALL = "all"


class Overlap(StrEnum):
    """What a due time does while an execution of the same schedule is open."""

    ALLOW = "allow"
    SKIP = "skip"
    QUEUE = "queue"  #: one of them waits, later ones are skipped
    CANCEL_OLD = "cancel_old"


class FireOutcome(StrEnum):
    """What became of a due time."""

    FIRED = "fired"
    QUEUED = "queued"  #: it waits for the execution before it
    SKIPPED = "skipped"
    MERGED = "merged"  #: the execution of another due time is for this one, too
    FAILED = "failed"  #: nothing could be started; the reason is the code of an error


class FireReason(StrEnum):
    """Why a due time started nothing, beside the codes of errors."""

    MISFIRE = "misfire"  #: nobody was there at that time
    OVERLAP = "overlap"  #: an execution before it was open
    PAUSED = "paused"  #: the schedule was paused while it waited
    FAILURES = "failures"  #: too many executions in a row had failed
    RUNS = "max_runs"  #: while it waited, the schedule had its last run


class FireOrigin(StrEnum):
    """Who asked for an execution of a schedule."""

    CLOCK = "clock"
    BACKFILL = "backfill"
    MANUAL = "manual"


class ScheduleStatus(StrEnum):
    """What a schedule is up to."""

    ACTIVE = "active"
    PAUSED = "paused"
    EXPIRED = "expired"
    COMPLETED = "completed"


class Pause(StrEnum):
    """Why the engine has paused a schedule, beside what happened to its pipeline."""

    FAILURES = "failures"
    INVALID = "invalid_schedule"


class TimedRow(Protocol):
    """What a row of a schedule says of its time."""

    id: Any
    kind: Any
    expression: Any
    timezone: Any
    run_at: Any
    dst_missing: Any
    dst_doubled: Any
    anchor_at: Any
    starts_at: Any
    expires_at: Any
    jitter_seconds: Any


@dataclass(frozen=True, slots=True)
class Due:
    """One due time."""

    due_at: datetime
    fire_at: datetime  #: with its jitter


@dataclass(frozen=True, slots=True)
class Span:
    """Some due times that share a row of the ledger."""

    first: datetime
    last: datetime
    count: int


@dataclass(frozen=True, slots=True)
class Passed:
    """The due times of a while, in their order: older ones as a range, newer ones by themselves."""

    singles: Sequence[Due]
    first: datetime | None = None  #: of the older ones
    last: datetime | None = None
    count: int = 0

    @property
    def is_empty(self) -> bool:
        """Nothing was due."""
        return not self.singles


@dataclass(frozen=True, slots=True)
class Timing:
    """The due times of one schedule: its recurrence within its bounds, each with its jitter."""

    schedule_id: str
    recurrence: Recurrence
    starts_at: datetime | None = None
    expires_at: datetime | None = None
    jitter_seconds: int = 0

    @classmethod
    def of(cls, row: TimedRow) -> Self:
        """That of a row. Raises ``InvalidSchedule``."""
        return cls(
            schedule_id=str(row.id),
            recurrence=Recurrence.of(
                row.kind,
                anchor=row.anchor_at,
                expression=row.expression,
                timezone=row.timezone,
                run_at=row.run_at,
                dst_missing=row.dst_missing,
                dst_doubled=row.dst_doubled,
            ),
            starts_at=row.starts_at,
            expires_at=row.expires_at,
            jitter_seconds=row.jitter_seconds,
        )

    def next_after(self, moment: datetime) -> Due | None:
        """The first due time after *moment*, as long as the schedule has not expired by then."""
        found = self.recurrence.next_after(self._begun(moment))
        if found is None or self._is_over(found):
            return None
        return self._with_jitter(found)

    def upcoming(self, moment: datetime, count: int) -> list[datetime]:
        """The first *count* nominal due times after *moment*."""
        found: list[datetime] = []
        while len(found) < count:
            following = self.recurrence.next_after(self._begun(moment))
            if following is None or self._is_over(following):
                break
            found.append(following)
            moment = following
        return found

    def between(self, after: datetime, until: datetime, most: int) -> list[datetime]:
        """The first *most* nominal due times from *after* (without) to *until* (with)."""
        start, end = self._begun(after), self._ended(until)
        return self.recurrence.between(start, end, most) if start < end else []

    def count(self, after: datetime, until: datetime) -> int:
        """How many nominal due times there are from *after* (without) to *until* (with)."""
        return self._count(self._begun(after), self._ended(until))

    def oddities(self, after: datetime, until: datetime) -> list[Oddity]:
        """What the clocks leave out or have twice in that time."""
        start, end = self._begun(after), self._ended(until)
        return self.recurrence.oddities(start, end) if start < end else []

    def passed(self, after: datetime, now: datetime) -> Passed:
        """What was due after *after* and is to fire by *now*; of a long time the newest singly."""
        start, end = self._begun(after), self._ended(now)
        if start >= end:
            return Passed(())
        found = self.recurrence.between(start, end, MOST_SINGLE + 1)
        if len(found) <= MOST_SINGLE:
            return Passed(self._fired(found, now))
        newest = self._newest(start, end)
        eve = newest[0] - TICK
        return Passed(
            singles=self._fired(newest, now),
            first=found[0],
            last=self.recurrence.last_before(eve),
            count=self._count(start, eve),
        )

    def without(self, span: Span, due_at: datetime) -> list[Span]:
        """What is left of *span* without one of its due times: what is before it, and after."""
        before = min(self._count(span.first - TICK, due_at - TICK), span.count - 1)
        after = span.count - 1 - before
        left: list[Span] = []
        if before:
            last = self.recurrence.last_before(due_at - TICK) or span.first
            left.append(Span(span.first, last, before))
        if after:
            first = self.recurrence.next_after(due_at) or span.last
            left.append(Span(min(first, span.last), span.last, after))
        return left

    def _newest(self, start: datetime, end: datetime) -> list[datetime]:
        """The last due times up to *end*, found without a look at those before them."""
        span = GLANCE
        while self._count(max(start, end - span), end) < MOST_SINGLE and end - span > start:
            span *= 2
        found = self.recurrence.between(max(start, end - span), end, MOST_COUNTED)
        return found[-MOST_SINGLE:]

    def _count(self, after: datetime, until: datetime) -> int:
        return self.recurrence.count_between(after, until, MOST_COUNTED)

    def _fired(self, found: Sequence[datetime], now: datetime) -> list[Due]:
        """Those of *found* whose jitter has passed, too; only that of the last may not have."""
        return [due for due in map(self._with_jitter, found) if due.fire_at <= now]

    def _with_jitter(self, due_at: datetime) -> Due:
        if not self.jitter_seconds:
            return Due(due_at, due_at)
        following = self.recurrence.next_after(due_at)
        most = timedelta(seconds=self.jitter_seconds)
        if following is not None:  # none fires after the one that follows it
            most = min(most, following - due_at)
        return Due(due_at, due_at + _share(self.schedule_id, due_at) * most)

    def _begun(self, moment: datetime) -> datetime:
        if self.starts_at is None or moment >= self.starts_at:
            return moment
        return self.starts_at - TICK

    def _ended(self, moment: datetime) -> datetime:
        return moment if self.expires_at is None else min(moment, self.expires_at - TICK)

    def _is_over(self, due_at: datetime) -> bool:
        return self.expires_at is not None and due_at >= self.expires_at


def _share(schedule_id: str, due_at: datetime) -> float:
    """How much of its jitter a due time has: from 0 to 1, the same for every process."""
    told = f"{schedule_id} {due_at.astimezone(UTC).isoformat()}".encode()
    return int.from_bytes(blake2b(told, digest_size=6).digest()) / 2**48


# ── For a process that has no database ───────────────────────────────────────────────────

_MOMENTS = ("anchor_at", "run_at", "starts_at", "expires_at")
_WORDS = ("kind", "expression", "timezone", "dst_missing", "dst_doubled", "jitter_seconds")


def document_of(row: TimedRow) -> dict[str, Any]:
    """What a row says of its time, as JSON."""
    moments = {name: getattr(row, name) for name in _MOMENTS}
    return {
        "id": str(row.id),
        **{name: getattr(row, name) for name in _WORDS},
        **{name: None if at is None else at.isoformat() for name, at in moments.items()},
    }


def timing_of(document: Mapping[str, Any]) -> Timing:
    """The timing that ``document_of`` tells of.

    Raises ``InvalidSchedule``, ``KeyError``, ``TypeError`` and ``ValueError``.
    """
    moments = {name: document[name] for name in _MOMENTS}
    read = {
        name: None if at is None else datetime.fromisoformat(at) for name, at in moments.items()
    }
    return Timing.of(SimpleNamespace(**{**document, **read}))
