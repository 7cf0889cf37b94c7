"""Time zones of IANA: which there are, and when their clocks change."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from zoneinfo import TZPATH, ZoneInfo, available_timezones

from pipeline_engine.domain.recurrence.refusal import refusal
from pipeline_engine.errors import NoTimeZones

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
#: No clock was ever changed by more: whole days were left out or repeated at the date line.
MOST_SHIFT = DAY
#: Names that mean another zone on every machine, or none.
NO_ZONES = frozenset({"localtime", "Factory"})
UNKNOWN = "unknown"  #: the release of zones that do not say theirs


@lru_cache(maxsize=1)
def names() -> frozenset[str]:
    """The zones that schedules may name. Looking for them takes a while, so it is done once."""
    return frozenset(available_timezones()) - NO_ZONES


def require_zones(known: Collection[str] | None = None) -> None:
    """Raise ``NoTimeZones`` where no zone is known: at the start, not when something is due."""
    if not (names() if known is None else known):
        raise NoTimeZones


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo:
    """The zone that is called exactly *name*; raises ``InvalidSchedule``.

    Its names are looked up before any file is: a name from outside never becomes a path.
    """
    if name not in names():
        alike = next((known for known in names() if known.lower() == name.lower()), None)
        raise refusal(
            "timezone",
            f"{name!r} is no time zone",
            f"Did you mean {alike}?" if alike else "Take a name of IANA such as Europe/Berlin.",
        )
    return ZoneInfo(name)


@lru_cache(maxsize=1)
def zone_release() -> str:
    """The release of the zones in use, such as ``2025b``; ``unknown`` where none is told.

    What was computed by another release may be wrong by now: governments change their minds.
    """
    for folder in map(Path, TZPATH):
        if (folder / "UTC").is_file():  # zoneinfo takes the first folder that has a zone
            return _release_in(folder)
    try:
        return f"PyPI {version('tzdata')}"
    except PackageNotFoundError:
        return UNKNOWN


def _release_in(folder: Path) -> str:
    try:
        with (folder / "tzdata.zi").open(encoding="utf-8") as lines:
            found = re.match(r"# version (\w+)", lines.readline())
    except FileNotFoundError:
        return UNKNOWN
    return found[1] if found else UNKNOWN


@dataclass(frozen=True, slots=True)
class Change:
    """From this moment on the clocks of a zone go *after* ahead of UTC, no longer *before*."""

    at: datetime
    before: timedelta
    after: timedelta

    @property
    def is_gap(self) -> bool:
        """Whether local times are left out; they are repeated otherwise."""
        return self.after > self.before


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some time, without its first moment, in which the clocks of a zone do not change."""

    after: datetime
    until: datetime
    offset: timedelta
    opened_by: Change | None = None

    def local(self, moment: datetime) -> datetime:
        """What the clocks say at *moment*, as a time without zone."""
        return (moment + self.offset).replace(tzinfo=None)

    def moment(self, local: datetime) -> datetime:
        """When the clocks say *local*, in UTC."""
        return (local - self.offset).replace(tzinfo=UTC)


def stretches(zone: ZoneInfo, after: datetime, until: datetime) -> Iterator[Stretch]:
    """The time from *after* (without) to *until* (with), cut where the clocks change.

    A stretch that a change opens begins with the moment of the change.
    """
    start, offset, opened_by = after, _offset(zone, after), None
    for change in changes(zone, after, until):
        eve = change.at - SECOND
        if eve > start:
            yield Stretch(start, eve, offset, opened_by)
        start, offset, opened_by = eve, change.after, change
    yield Stretch(start, until, offset, opened_by)


def changes(zone: ZoneInfo, after: datetime, until: datetime) -> Iterator[Change]:
    """Where the clocks change from *after* (without) to *until* (with), in order."""
    for year in range(after.year, until.year + 1):
        for change in _changes_in(zone, year):
            if after < change.at <= until:
                yield change


@lru_cache(maxsize=8192)
def _changes_in(zone: ZoneInfo, year: int) -> tuple[Change, ...]:
    """The changes after the first moment of *year* in UTC, with the first of the next one.

    zoneinfo tells no changes, so the days are compared: two changes of one zone were never less
    than three days apart.
    """
    first, last = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    days = [first + DAY * number for number in range((last - first).days + 1)]
    offsets = [_offset(zone, day) for day in days]
    return tuple(
        Change(_first_with(zone, offsets[n], days[n - 1], days[n]), offsets[n - 1], offsets[n])
        for n in range(1, len(days))
        if offsets[n] != offsets[n - 1]
    )


def _first_with(zone: ZoneInfo, offset: timedelta, without: datetime, having: datetime) -> datetime:
    """The first second with *offset* after the moment *without* it, up to the one *having* it."""
    while having - without > SECOND:
        middle = without + (having - without) // 2
        middle = middle.replace(microsecond=0)
        if _offset(zone, middle) == offset:
            having = middle
        else:
            without = middle
    return having


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    offset = moment.astimezone(zone).utcoffset()
    assert offset is not None, "zoneinfo knows the offset of every aware time"
    return offset
