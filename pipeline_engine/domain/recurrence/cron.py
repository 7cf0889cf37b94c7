"""When a cron expression is due in a zone, also on the days when its clocks change.

cronsim says which local times an expression means. What becomes of one that the clocks leave out
or have twice is decided here; unless a schedule says something else, it is the rule of Debian's
cron, which cronsim follows, too:

* An expression whose minute or hour starts with ``*`` is a rhythm: it is due at every real
  instant that matches, so never in a gap, and in both passes of a doubled hour.
* Any other means times of the day: one that is left out is due at the first instant after the
  gap, and one that comes twice is due the first time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from pipeline_engine.domain.recurrence.cron_expression import CronExpression
from pipeline_engine.domain.recurrence.zones import (
    DAY,
    MOST_SHIFT,
    SECOND,
    Change,
    Stretch,
    changes,
    stretches,
)

#: How much time is looked through before the next local time is asked for.
SPAN = 2 * DAY


class Missing(StrEnum):
    """What becomes of a local time that the clocks leave out."""

    SKIP = "skip"
    NEXT = "next"


class Doubled(StrEnum):
    """What becomes of a local time that the clocks have twice."""

    SKIP = "skip"
    FIRST = "first"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Silence:
    """From the first moment on, and before the second, nothing is due."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Cron:
    """The due times of a cron expression in a zone."""

    expression: CronExpression
    zone: ZoneInfo
    missing: Missing
    doubled: Doubled

    @classmethod
    def of(
        cls,
        expression: CronExpression,
        zone: ZoneInfo,
        missing: Missing | None,
        doubled: Doubled | None,
    ) -> Cron:
        """With the rule of cron for what is not said."""
        rhythm = expression.is_wildcard
        return cls(
            expression,
            zone,
            missing or (Missing.SKIP if rhythm else Missing.NEXT),
            doubled or (Doubled.BOTH if rhythm else Doubled.FIRST),
        )

    def due(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """The due times from *after* (without) to *until* (with), in order."""
        start = after
        while start < until:
            end = min(start + SPAN, until)
            yield from self._within(start, end)
            start = self._before_the_next(end, until)

    def count(self, after: datetime, until: datetime, most: int) -> int:
        """How many there are, up to *most*, without a look at each."""
        silences = self._silences(after, until)
        total = 0
        for stretch in stretches(self.zone, after, until):
            total += self._count_in(stretch, silences)
            if total >= most:
                return most
        return total

    def _before_the_next(self, end: datetime, until: datetime) -> datetime:
        """A moment from *end* on that is before whatever is due next: years may be empty."""
        # What the clocks have twice may still come; hence a look back.
        local = end.astimezone(self.zone).replace(tzinfo=None) - MOST_SHIFT
        following = self.expression.first_after(local)
        if following is None:
            return until
        moment = following.replace(tzinfo=self.zone).astimezone(UTC)
        return max(end, moment - MOST_SHIFT - SECOND)

    def _within(self, after: datetime, until: datetime) -> Iterator[datetime]:
        silences = self._silences(after, until)
        latest = after
        for stretch in stretches(self.zone, after, until):
            for moment in self._in(stretch):
                if moment > latest and not _is_silent(moment, silences):
                    latest = moment
                    yield moment

    def _in(self, stretch: Stretch) -> Iterator[datetime]:
        if self._makes_up_for(stretch.opened_by):
            assert stretch.opened_by is not None
            yield stretch.opened_by.at
        for local in self.expression.after(stretch.local(stretch.after)):
            moment = stretch.moment(local)
            if moment > stretch.until:
                return
            yield moment

    def _count_in(self, stretch: Stretch, silences: list[Silence]) -> int:
        found = self._count_plain(stretch, stretch.after, stretch.until)
        for silence in silences:
            # From the second before: what is due at its start is silent, too.
            start = max(silence.start - SECOND, stretch.after)
            end = min(silence.end - SECOND, stretch.until)
            found -= self._count_plain(stretch, start, end)
        change = stretch.opened_by
        if change is not None and self._makes_up_for(change):
            # One that is due at that moment anyway is counted above.
            found += 1 - self._count_plain(stretch, change.at - SECOND, change.at)
        return found

    def _count_plain(self, stretch: Stretch, after: datetime, until: datetime) -> int:
        return self.expression.count(stretch.local(after), stretch.local(until))

    def _makes_up_for(self, change: Change | None) -> bool:
        """Whether something is due at the end of a gap because the gap left it out."""
        if change is None or not change.is_gap or self.missing is Missing.SKIP:
            return False
        start, end = (_local(change.at, offset) for offset in (change.before, change.after))
        left_out = self.expression.first_after(start - SECOND)
        return left_out is not None and left_out < end

    def _silences(self, after: datetime, until: datetime) -> list[Silence]:
        """When doubled local times pass that are not due."""
        if self.doubled is Doubled.BOTH:
            return []
        around = changes(self.zone, after - MOST_SHIFT, until + MOST_SHIFT)
        return [self._silence(change) for change in around if not change.is_gap]

    def _silence(self, change: Change) -> Silence:
        repeated = change.before - change.after
        first_pass = repeated if self.doubled is Doubled.SKIP else timedelta(0)
        return Silence(change.at - first_pass, change.at + repeated)


def _is_silent(moment: datetime, silences: list[Silence]) -> bool:
    return any(silence.start <= moment < silence.end for silence in silences)


def _local(moment: datetime, offset: timedelta) -> datetime:
    return (moment + offset).replace(tzinfo=None)
