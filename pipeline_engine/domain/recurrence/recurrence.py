"""When something is due again, whatever its kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo

from pipeline_engine.domain.recurrence.cron import Cron, Doubled, Missing
from pipeline_engine.domain.recurrence.cron_expression import CronExpression
from pipeline_engine.domain.recurrence.interval import Interval
from pipeline_engine.domain.recurrence.oddities import Oddity, oddities
from pipeline_engine.domain.recurrence.once import Once, moment_of
from pipeline_engine.domain.recurrence.refusal import refusal
from pipeline_engine.domain.recurrence.words import in_words
from pipeline_engine.domain.recurrence.zones import zone_of

#: Nothing is due before or after: dates stay within what every library can add a day to.
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2300, 1, 1, tzinfo=UTC)
#: What is not due within so much is never due: 29 February on a given day of the week may take
#: 40 years, around 2100.
FOREVER = timedelta(days=50 * 366)
#: How far back a look for the last due time goes at first.
GLANCE = timedelta(hours=1)

Word = TypeVar("Word", bound=StrEnum)


class Kind(StrEnum):
    """How a schedule says when it is due."""

    CRON = "cron"
    INTERVAL = "interval"
    ONE_TIME = "one_time"
    MANUAL = "manual"


class DueTimes(Protocol):
    """Some moments, in order."""

    def due(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """Those from *after* (without) to *until* (with)."""

    def count(self, after: datetime, until: datetime, most: int) -> int:
        """How many of them there are, up to *most*."""


@dataclass(frozen=True, slots=True)
class Recurrence:
    """When something is due, as aware times in UTC, and how one says it in words."""

    kind: Kind
    zone: ZoneInfo
    times: DueTimes
    description: str
    #: The moment of a one-time schedule.
    run_at: datetime | None = None

    @classmethod
    def of(
        cls,
        kind: str,
        *,
        anchor: datetime,
        expression: str | None = None,
        timezone: str = "UTC",
        run_at: datetime | None = None,
        dst_missing: str | None = None,
        dst_doubled: str | None = None,
    ) -> Recurrence:
        """The recurrence that these words mean; raises ``InvalidSchedule``.

        *anchor* is where intervals count from; a *run_at* without offset is a time of *timezone*.
        """
        wanted = _word(Kind, "type", kind)
        zone = zone_of(timezone)
        missing = _word(Missing, "dst_missing", dst_missing) if dst_missing else None
        doubled = _word(Doubled, "dst_doubled", dst_doubled) if dst_doubled else None
        _refuse_strangers(wanted, expression=expression, run_at=run_at)
        if wanted is Kind.CRON:
            read = CronExpression.of(_given("expression", expression))
            return cls(wanted, zone, Cron.of(read, zone, missing, doubled), in_words(read))
        _refuse_dst(wanted, dst_missing=missing, dst_doubled=doubled)
        if wanted is Kind.INTERVAL:
            every = Interval.of(_given("expression", expression), anchor.astimezone(UTC))
            return cls(wanted, zone, every, every.words)
        if wanted is Kind.MANUAL:
            return cls(wanted, zone, Once(None), "Only when triggered")
        at = moment_of(_representable(_given("run_at", run_at)), zone)
        return cls(wanted, zone, Once(at), f"Once at {_said(at, zone)}", at)

    def next_after(self, moment: datetime) -> datetime | None:
        """The first due time after *moment*; None where there is none for 50 years."""
        start = _bounded(moment)
        return next(self._due(start, start + FOREVER), None)

    def between(self, after: datetime, until: datetime, limit: int) -> list[datetime]:
        """The first *limit* due times from *after* (without) to *until* (with)."""
        return list(islice(self._due(after, until), limit))

    def count_between(self, after: datetime, until: datetime, most: int) -> int:
        """How many due times there are from *after* (without) to *until* (with), up to *most*.

        They are not counted one by one: a million take some milliseconds.
        """
        start, end = _bounded(after), _bounded(until)
        return self.times.count(start, end, most) if start < end else 0

    def oddities(self, after: datetime, until: datetime) -> list[Oddity]:
        """Local times that the clocks leave out or have twice; only cron means local times."""
        if not isinstance(self.times, Cron):
            return []
        return list(oddities(self.times, _bounded(after), _bounded(until)))

    def last_before(self, moment: datetime) -> datetime | None:
        """The last due time that is not after *moment*; None where there is none for 50 years."""
        end, span = _bounded(moment), GLANCE
        earliest = max(end - FOREVER, EARLIEST)
        while end > earliest:
            start = max(end - span, earliest)
            *_, last = (None, *self._due(start, end))
            if last is not None:
                return last
            end, span = start, 2 * span
        return None

    def require_next_after(self, moment: datetime) -> None:
        """Refuse, as ``InvalidSchedule``, what will never be due after *moment* by itself."""
        if self.kind is Kind.MANUAL or self.next_after(moment) is not None:
            return
        if self.kind is Kind.ONE_TIME:
            hint = "A time without offset is one of the schedule's time zone."
            raise refusal("run_at", f"{self.run_at} is in the past", hint, "in_the_past")
        raise refusal("expression", "the schedule never fires", None, "never_fires")

    def _due(self, after: datetime, until: datetime) -> Iterator[datetime]:
        return self.times.due(_bounded(after), _bounded(until))


def _bounded(moment: datetime) -> datetime:
    """*moment* in UTC, or the nearest one at which anything can be due."""
    if not EARLIEST.year < moment.year < LATEST.year:
        return EARLIEST if moment.year <= EARLIEST.year else LATEST
    return moment.astimezone(UTC)


def _word(words: type[Word], field: str, given: str) -> Word:
    try:
        return words(given)
    except ValueError:
        known = ", ".join(words)
        raise refusal(field, f"{field} cannot be {given!r}", f"Known: {known}.") from None


Given = TypeVar("Given")


def _given(field: str, value: Given | None) -> Given:
    if not value:
        raise refusal(field, f"{field} is missing", code="required")
    return value


def _representable(moment: datetime) -> datetime:
    if not EARLIEST.year < moment.year < LATEST.year:
        raise refusal("run_at", f"run_at is not between {EARLIEST.year + 1} and {LATEST.year - 1}")
    return moment


def _refuse_strangers(kind: Kind, *, expression: str | None, run_at: datetime | None) -> None:
    """Refuse what another kind would need: it would be passed over in silence."""
    if expression and kind not in (Kind.CRON, Kind.INTERVAL):
        raise refusal("expression", f"a schedule of type {kind} has no expression")
    if run_at and kind is not Kind.ONE_TIME:
        raise refusal("run_at", f"a schedule of type {kind} has no run_at")


def _refuse_dst(kind: Kind, **words: StrEnum | None) -> None:
    for field, word in words.items():
        if word is not None:
            message = f"a schedule of type {kind} has no {field}"
            raise refusal(field, message, "Only cron expressions mean local times again and again.")


def _said(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S} ({zone.key})"
