"""Every so often, counted in real time from one moment on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline_engine.domain.recurrence.refusal import refusal

EVERY = re.compile(r"@every\s+(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?", re.ASCII | re.I)
LONGEST = timedelta(days=3660)
UNITS = ("hour", "minute", "second")


@dataclass(frozen=True, slots=True)
class Interval:
    """Due at *anchor*, and again and again after *every*.

    The phase is that of the anchor, so neither an outage nor a long run moves it, and a day of
    24 hours is 24 hours also when the clocks change.
    """

    every: timedelta
    anchor: datetime

    @classmethod
    def of(cls, text: str, anchor: datetime) -> Interval:
        """Read ``@every 1h30m``; raises ``InvalidSchedule``."""
        return cls(_read(text), anchor)

    def due(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """The due times from *after* (without) to *until* (with), in order."""
        moment = self.anchor + self._passed(after) * self.every
        while moment <= until:
            yield moment
            moment += self.every

    def count(self, after: datetime, until: datetime, most: int) -> int:
        """How many there are, up to *most*."""
        return min(max(self._passed(until) - self._passed(after), 0), most)

    def _passed(self, moment: datetime) -> int:
        """How many of them are not after *moment*."""
        return max((moment - self.anchor) // self.every + 1, 0)

    @property
    def words(self) -> str:
        """The interval as one says it."""
        seconds = int(self.every.total_seconds())
        amounts = (seconds // 3600, seconds // 60 % 60, seconds % 60)
        parts = [f"{n} {unit}{'s' * (n > 1)}" for n, unit in zip(amounts, UNITS, strict=True) if n]
        if parts[0].startswith("1 ") and len(parts) == 1:
            return f"Every {parts[0].removeprefix('1 ')}"
        return f"Every {' '.join(parts)}"


def _read(text: str) -> timedelta:
    found = EVERY.fullmatch(text.strip())
    hint = "Write @every 1h30m, @every 45m or @every 10s: hours, minutes, seconds, in this order."
    if found is None:
        raise refusal("expression", f"{text!r} is no interval", hint)
    hours, minutes, seconds = (int(amount or 0) for amount in found.groups())
    every = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if not timedelta(0) < every <= LONGEST:
        message = f"an interval takes from a second to {LONGEST.days} days, not {text!r}"
        raise refusal("expression", message, hint)
    return every
