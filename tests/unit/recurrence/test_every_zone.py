"""Every zone across its changes, against a walk over all minutes around them.

The walk knows nothing of ours: ``zoneinfo`` says what the clocks say in each minute, and a reader
of cron fields that is written here says which of these times are meant.  Zones that change alike
are walked once.  ``RECURRENCE_YEARS=1975-2037`` walks all of these years and tries all words with
all expressions (some minutes).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import product
from zoneinfo import ZoneInfo, available_timezones

import pytest
from cronsim import CronSim
from support.due_times import ANCHOR

from pipeline_engine.domain.recurrence import Recurrence

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
WIDE = os.environ.get("RECURRENCE_YEARS")
#: 2011 left a day out in Samoa; the others are the present.
YEARS = range(*(int(year) + n for n, year in enumerate(WIDE.split("-")))) if WIDE else (2011, 2026)
WORDS = tuple(product((None, "skip", "next"), (None, "skip", "first", "both")))
#: Around the hours at which clocks change, and rhythms.
EXPRESSIONS = (
    "0 0 * * *", "30 0 * * *", "0 1 * * *", "30 1 * * *", "59 1 * * *", "0 2 * * *", "30 2 * * *",
    "0 3 * * *", "15 3 * * *", "30 23 * * *", "45 23 * * 6,0", "0,30 2 * * *", "0 2,3 * * *",
    "30 1,2 * * *", "0-59/20 1-3 * * *", "5,50 0-4/2 * * *", "0 12 * * *", "30 0,1,2,3 * * 0",
    "30 2 1-15 * *", "15 1 1-7 * 0", "0 0 30 * *", "0 0 1 * *", "10 0-23 * * *",
    "0 * * * *", "30 * * * *", "*/15 * * * *", "*/15 2 * * *", "*/20 1 * * *", "45 */2 * * *",
    "20 */3 * * 0", "*/30 0-3 * * 6,7", "*/40 */5 * * *",
)  # fmt: skip


def _numbers(field: str, first: int, last: int) -> set[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        low, _, high = (f"{first}-{last}" if span == "*" else span).partition("-")
        found |= set(range(int(low), int(high or low) + 1, int(step or 1)))
    return found


@lru_cache(maxsize=4096)
def _times_on(expression: str, day: date) -> list[datetime]:
    """What *expression* means on *day*, as local times."""
    minute, hour, dom, month, dow = expression.split()
    in_month = day.day in _numbers(dom, 1, 31)
    in_week = bool({day.isoweekday(), day.isoweekday() % 7} & _numbers(dow, 0, 7))
    with_star = "*" in (dom[0], dow[0])
    fits = (in_month and in_week) if with_star else (in_month or in_week)
    if not fits or day.month not in _numbers(month, 1, 12):
        return []
    start = datetime(day.year, day.month, day.day)  # noqa: DTZ001
    return [
        start + timedelta(hours=h, minutes=m)
        for h in sorted(_numbers(hour, 0, 23))
        for m in sorted(_numbers(minute, 0, 59))
    ]


class Walk:
    """The minutes around a change of clocks, and what the clocks say in each of them."""

    def __init__(self, zone: ZoneInfo, change: datetime) -> None:
        self.zone = zone
        self.change = change
        self.minutes = [change + n * MINUTE for n in range(-8 * 60, 30 * 60)]
        self.clocks = [one.astimezone(zone).replace(tzinfo=None) for one in self.minutes]
        self.passes: dict[datetime, list[datetime]] = {}
        for minute, clock in zip(self.minutes, self.clocks, strict=True):
            self.passes.setdefault(clock, []).append(minute)
        #: What is judged: a day around the change; the rest shows what is doubled or left out.
        self.start, self.end = change - 4 * HOUR, change + 26 * HOUR

    @property
    def change_is_whole_hours(self) -> bool:
        moments = (self.change - MINUTE, self.change)
        before, after = (one.astimezone(self.zone).utcoffset() for one in moments)
        return (after - before) % HOUR == timedelta(0)

    def due(self, expression: str, missing: str | None, doubled: str | None) -> list[datetime]:
        """Which of the minutes are due, by the words of the documentation."""
        minute, hour, *_ = expression.split()
        rhythm = "*" in (minute[0], hour[0])
        missing = missing or ("skip" if rhythm else "next")
        doubled = doubled or ("both" if rhythm else "first")
        found: set[datetime] = set()
        for meant in self._meant(expression):
            passes = self.passes.get(meant, [])
            if not passes and missing == "next":
                found.add(self._first_after(meant))
            elif len(passes) > 1:
                found.update({"skip": [], "first": passes[:1], "both": passes}[doubled])
            else:
                found.update(passes)
        return sorted(one for one in found if self.start < one <= self.end)

    def _meant(self, expression: str) -> Iterator[datetime]:
        days = {clock.date() for clock in self.clocks}
        every = min(days)
        while every <= max(days):
            for meant in _times_on(expression, every):
                if self.clocks[0] <= meant <= self.clocks[-1]:
                    yield meant
            every += DAY

    def _first_after(self, meant: datetime) -> datetime:
        pairs = zip(self.minutes, self.clocks, strict=True)
        return next(minute for minute, clock in pairs if clock > meant)


def _changes() -> Iterator[tuple[ZoneInfo, datetime]]:
    """Each change of the clocks in ``YEARS`` once, with a zone that has it."""
    known = set()
    for name, year in product(sorted(available_timezones()), YEARS):
        zone = ZoneInfo(name)
        days = [datetime(year, 1, 1, tzinfo=UTC) + n * DAY for n in range(0, 368, 2)]
        offsets = [day.astimezone(zone).utcoffset() for day in days]
        for day, before, after in zip(days, offsets, offsets[1:], strict=False):
            change = _minute_of(zone, day, after) if before != after else None
            if change and (change, before, after) not in known:
                known.add((change, before, after))
                yield zone, change


def _minute_of(zone: ZoneInfo, day: datetime, offset: timedelta | None) -> datetime:
    minute = day
    while minute.astimezone(zone).utcoffset() != offset:
        minute += HOUR
    while (minute - MINUTE).astimezone(zone).utcoffset() == offset:
        minute -= MINUTE
    return minute


@pytest.fixture(scope="module")
def changes() -> list[tuple[ZoneInfo, datetime]]:
    return list(_changes())


def walks(changes: list[tuple[ZoneInfo, datetime]], *, one_of: int = 1) -> Iterator[Walk]:
    """One after the other, as each has thousands of minutes; some of them, if not in a wide run."""
    assert len(changes) > 100
    for zone, change in changes[:: 1 if WIDE else one_of]:
        yield Walk(zone, change)


def _tries(number: int) -> Iterator[tuple[str, str | None, str | None]]:
    """Expressions with words: all of them in a wide run, else others for each change."""
    for n, expression in enumerate(EXPRESSIONS):
        if WIDE:
            yield from ((expression, *words) for words in WORDS)
        elif (n + number) % 3 == 0:
            yield (expression, None, None)
            yield (expression, *WORDS[(n * 7 + number) % len(WORDS)])


def test_every_zone_is_right_across_its_changes(changes):
    for number, walk in enumerate(walks(changes)):
        for expression, missing, doubled in _tries(number):
            recurrence = _recurrence(walk, expression, missing, doubled)

            found = recurrence.between(walk.start, walk.end, 9999)

            told = (walk.zone.key, walk.change, expression, missing, doubled)
            assert found == walk.due(expression, missing, doubled), told


def test_where_a_search_starts_makes_no_difference(changes):
    for number, walk in enumerate(walks(changes, one_of=3)):
        expression = EXPRESSIONS[number % len(EXPRESSIONS)]
        missing, doubled = WORDS[number % len(WORDS)]
        recurrence = _recurrence(walk, expression, missing, doubled)
        expected = walk.due(expression, missing, doubled)

        for minutes in range(0, 26 * 60, 61):
            start = walk.start + minutes * MINUTE + timedelta(seconds=minutes % 60)
            later = [one for one in expected if one > start]
            earlier = [one for one in expected if one <= start]

            assert recurrence.count_between(start, walk.end, 9999) == len(later)
            assert recurrence.next_after(start) == later[0] if later else True
            assert recurrence.last_before(start) == earlier[-1] if earlier else True


# At some changes of old, near midnight, cronsim looks for the next day for ever.
@pytest.mark.skipif(bool(WIDE), reason="not everything that was, does cronsim understand")
def test_unless_a_schedule_says_otherwise_cronsim_decides(changes):
    # Where clocks change by half an hour, cronsim's steps of an hour pass over some times.
    whole_hours = (one for one in walks(changes, one_of=3) if one.change_is_whole_hours)
    for number, walk in enumerate(whole_hours):
        expression = EXPRESSIONS[(number * 7) % len(EXPRESSIONS)]
        # Started inside of a doubled hour cronsim can answer with what has passed; not before.
        decided = CronSim(expression, walk.minutes[0].astimezone(walk.zone))
        theirs = []
        while (one := next(decided).astimezone(UTC)) <= walk.end:
            theirs.append(one)

        found = _recurrence(walk, expression, None, None).between(walk.start, walk.end, 9999)

        assert found == sorted({one for one in theirs if one > walk.start}), walk.zone.key


def _recurrence(
    walk: Walk, expression: str, missing: str | None, doubled: str | None
) -> Recurrence:
    return Recurrence.of(
        "cron",
        anchor=ANCHOR,
        expression=expression,
        timezone=walk.zone.key,
        dst_missing=missing,
        dst_doubled=doubled,
    )
