"""What is due on which day, by the arithmetic that the scheduler fires by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.recurrence import Odd, Oddity
from pipeline_engine.domain.recurrence.once import moment_of
from pipeline_engine.domain.recurrence.zones import names, zone_of
from pipeline_engine.domain.schedules import TICK, Timing
from pipeline_engine.errors import InvalidSchedule
from pipeline_engine.storage import schedules as storage
from pipeline_engine.storage.tables.schedules import Schedule

MOST_DAYS = 31
MOST_SCHEDULES = 500
#: Due times of a schedule on a day that are told one by one; a day of 25 hours has one more.
MOST_A_DAY = 24
#: Due times that one answer tells one by one; what comes after them is only counted.
MOST_FIRINGS = 5_000


class Mark(StrEnum):
    """What is odd about a due time."""

    REPEATED = "repeated"  #: the clocks say this local time for the second time
    SHIFTED = "shifted"  #: its local time was left out: it is due right after the gap


MARKS: Mapping[Odd, Mark] = {Odd.DOUBLED: Mark.REPEATED, Odd.MISSING: Mark.SHIFTED}


@dataclass(frozen=True, slots=True)
class Firing:
    """One due time."""

    schedule: Schedule
    due_at: datetime
    local: datetime  #: in the zone of the calendar
    schedule_local: datetime
    mark: Mark | None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A local time of a schedule's zone at which nothing is due, because of its clocks."""

    schedule: Schedule
    oddity: Oddity


@dataclass(frozen=True, slots=True)
class Counted:
    """Due times that are too many to be told one by one."""

    schedule: Schedule
    count: int


@dataclass(slots=True)
class Day:
    """A day as the clocks of the zone count it; not each has 24 hours."""

    date: date
    start: datetime
    end: datetime
    firings: list[Firing] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    more: list[Counted] = field(default_factory=list)

    @property
    def hours(self) -> float:
        """How long it is."""
        return (self.end - self.start) / timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Some days in a row."""

    zone: str
    days: Sequence[Day]
    is_complete: bool  #: false if there are more schedules than an answer has room for


def calendar(
    caller: Caller,
    session: Session,
    *,
    first: date | None = None,
    last: date | None = None,
    zone: str = "UTC",
) -> Calendar:
    """What is still to be due from *first* to *last*, both included, of what *caller* may see.

    A week from today if nothing is said. Of schedules that are not paused, from what they have
    settled on; raises ``InvalidSchedule`` for a zone that there is not.
    """
    clock = zone_of(zone)
    first = first or datetime.now(clock).date()
    last = last or first + timedelta(days=6)
    days = [
        _day(date.fromordinal(n), clock) for n in range(first.toordinal(), last.toordinal() + 1)
    ]
    found = storage.due_by(session, caller, days[-1].end, most=MOST_SCHEDULES + 1)
    room = MOST_FIRINGS
    for schedule in found[:MOST_SCHEDULES]:
        room -= _enter(schedule, days, clock, room)
    for day in days:
        day.firings.sort(key=lambda one: (one.due_at, one.schedule.name))
    return Calendar(zone, days, len(found) <= MOST_SCHEDULES)


def is_zone(name: str) -> bool:
    """Whether there is a time zone of exactly this name."""
    return name in names()


def _day(of: date, zone: ZoneInfo) -> Day:
    following = of + timedelta(days=1)
    start, end = (moment_of(datetime.combine(one, time()), zone) for one in (of, following))
    return Day(of, start, end)


def _enter(schedule: Schedule, days: Sequence[Day], zone: ZoneInfo, room: int) -> int:
    """Write the due times of *schedule* into *days*; how many stand there one by one."""
    try:
        timing = Timing.of(schedule)
    except InvalidSchedule:  # its zone is gone since it was saved, so it will not fire
        return 0
    left = None if schedule.max_runs is None else schedule.max_runs - schedule.run_count
    entered = 0
    for day in days:
        after = max(day.start - TICK, schedule.settled_at)
        if after >= day.end - TICK or left == 0:
            continue
        due = _due(timing, after, day, left, min(room - entered, _most(day)))
        if isinstance(due, int):
            day.more.append(Counted(schedule, due))
        else:
            _tell(schedule, timing, day, after, due, zone)
            entered += len(due)
        if left is not None:
            left -= due if isinstance(due, int) else len(due)
    return entered


def _most(day: Day) -> int:
    """One an hour is told one by one, on a longer day as well."""
    return max(MOST_A_DAY, -(-(day.end - day.start) // timedelta(hours=1)))


def _due(
    timing: Timing, after: datetime, day: Day, left: int | None, most: int
) -> list[datetime] | int:
    """The due times of a day, or only how many there are."""
    until = day.end - TICK
    found = timing.between(after, until, most + 1)[:left]
    if len(found) <= most:
        return found
    count = timing.count(after, until)
    return count if left is None else min(count, left)


def _tell(
    schedule: Schedule,
    timing: Timing,
    day: Day,
    after: datetime,
    due: Sequence[datetime],
    zone: ZoneInfo,
) -> None:
    odd = timing.oddities(after, day.end - TICK)
    marks = {one.at: MARKS[one.why] for one in odd if one.is_due}
    own = timing.recurrence.zone
    day.firings += [
        Firing(schedule, at, at.astimezone(zone), at.astimezone(own), marks.get(at)) for at in due
    ]
    day.skipped += [Skipped(schedule, one) for one in odd if not one.is_due]
