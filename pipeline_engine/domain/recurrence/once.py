"""At one moment, or never by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from pipeline_engine.domain.recurrence.zones import DAY, changes


@dataclass(frozen=True, slots=True)
class Once:
    """Due at one moment; None is never."""

    at: datetime | None

    def due(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """The moment, if it is after *after* and not after *until*."""
        if self.at is not None and after < self.at <= until:
            yield self.at

    def count(self, after: datetime, until: datetime, most: int) -> int:
        """One, or none."""
        return min(len(list(self.due(after, until))), most)


def moment_of(at: datetime, zone: ZoneInfo) -> datetime:
    """*at* in UTC; without an offset of its own it is a local time of *zone*.

    As of cron: a local time that comes twice is the first one, and one that the clocks leave out
    is the first instant after the gap.
    """
    if at.tzinfo is not None:
        return at.astimezone(UTC)
    moment = at.replace(tzinfo=zone, fold=0).astimezone(UTC)
    gaps = (one for one in changes(zone, moment - DAY, moment + DAY) if one.is_gap)
    for gap in gaps:
        if gap.at + gap.before <= at.replace(tzinfo=UTC) < gap.at + gap.after:
            return gap.at
    return moment
