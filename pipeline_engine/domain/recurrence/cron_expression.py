"""The five fields of a cron expression: cronsim says which local times they mean."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property, lru_cache
from types import MappingProxyType

from cronsim import CronSim, CronSimError

from pipeline_engine.domain.recurrence.refusal import refusal

PRESETS: Mapping[str, str] = MappingProxyType(
    {
        "@every_minute": "* * * * *",
        "@hourly": "0 * * * *",
        "@daily": "0 0 * * *",
        "@midnight": "0 0 * * *",
        "@weekly": "0 0 * * 0",
        "@monthly": "0 0 1 * *",
        "@yearly": "0 0 1 1 *",
        "@annually": "0 0 1 1 *",
    }
)
LONGEST = 255
FIELDS = ("minute", "hour", "day of the month", "month", "day of the week")
#: From here on the calendar of 50 years holds every date on every day of the week.
ANY_DAY = datetime(2000, 1, 1)  # noqa: DTZ001 (local times have no zone here)
#: Only this much of ``L`` is said in cronsim's documentation; it passes over a step after one.
DAY_WITH_STEP = re.compile(r"(^|,)LW?/")
RANGE_UP_TO_SUNDAY = re.compile(r"-SUN\b")


@dataclass(frozen=True)
class CronExpression:
    """A cron expression without a zone: some local times, at full minutes."""

    text: str

    @classmethod
    def of(cls, text: str) -> CronExpression:
        """What *text* means, if it means something; raises ``InvalidSchedule``."""
        return _parsed(text)

    @property
    def fields(self) -> tuple[str, ...]:
        """Minute, hour, day of the month, month, day of the week."""
        return tuple(self.text.split(" "))

    @property
    def is_wildcard(self) -> bool:
        """Whether it means a rhythm and no time of the day: the rule of Debian's cron."""
        return self.fields[0].startswith("*") or self.fields[1].startswith("*")

    def after(self, local: datetime) -> Iterator[datetime]:
        """The local times after *local*, in order; none where there is none for 50 years."""
        return iter(CronSim(self.text, local))

    def first_after(self, local: datetime) -> datetime | None:
        """The first local time after *local*."""
        return next(self.after(local), None)

    def count(self, after: datetime, until: datetime) -> int:
        """How many local times there are from *after* (without) to *until* (with)."""
        days = ((until.date() - after.date()).days + 1) if until > after else 0
        dates = (after.date() + timedelta(days=number) for number in range(days))
        return sum(self._count_on(one, after, until) for one in dates if self._has(one))

    def _has(self, day: date) -> bool:
        return day.month in self._sim.months and self._sim.match_day(day)

    def _count_on(self, day: date, after: datetime, until: datetime) -> int:
        start = after.time() if after.date() == day else None
        end = until.time() if until.date() == day else time.max
        passed = bisect_right(self._times, start) if start is not None else 0
        return bisect_right(self._times, end) - passed

    @cached_property
    def _sim(self) -> CronSim:
        return CronSim(self.text, ANY_DAY)

    @cached_property
    def _times(self) -> list[time]:
        """Its times on a day that it means."""
        return [
            time(hour, minute)
            for hour in sorted(self._sim.hours)
            for minute in sorted(self._sim.minutes)
        ]


@lru_cache(maxsize=4096)
def _parsed(text: str) -> CronExpression:
    wanted = _five_fields(text)
    if DAY_WITH_STEP.search(wanted.split(" ")[2]):
        raise _wrong("L and LW take no step")
    try:
        CronSim(wanted, ANY_DAY)
    except CronSimError as error:
        raise _refused(wanted, str(error)) from error
    expression = CronExpression(wanted)
    if expression.first_after(ANY_DAY) is None:
        raise never_fires(text)
    return expression


def _five_fields(text: str) -> str:
    """*text* in capitals, with one space between fields, and a preset written out."""
    if not text.isascii() or len(text) > LONGEST:
        raise _wrong(f"a cron expression is plain ASCII of at most {LONGEST} characters")
    if text.strip().startswith("@"):
        if text.strip().lower() not in PRESETS:
            raise _wrong(f"there is no preset {text.strip()}", f"Known: {', '.join(PRESETS)}.")
        return PRESETS[text.strip().lower()]
    fields = text.upper().split()
    if len(fields) != len(FIELDS):
        found = len(fields) or "none"
        raise _wrong(f"cron expression has {found} of 5 fields", f"They are {', '.join(FIELDS)}.")
    # Sunday is 0 and 7; at the end of a range only 7 makes sense.
    fields[4] = RANGE_UP_TO_SUNDAY.sub("-7", fields[4])
    return " ".join(fields)


def _refused(wanted: str, complaint: str) -> Exception:
    """What cronsim said of *wanted*, with the field that it means."""
    names = ("minute", "hour", "day-of-month", "month", "day-of-week")
    number = next((n for n, name in enumerate(names) if complaint.endswith(f"Bad {name}")), None)
    if number is None:
        return _wrong(complaint)
    field = wanted.split(" ")[number]
    if number == 2 and _would_do_alone(field):
        return never_fires(wanted)
    return _wrong(f"{field} is no {FIELDS[number]}", _hint(number, field))


def _would_do_alone(day: str) -> bool:
    """Whether *day* is a day of some month, so that only these months do not have it."""
    try:
        CronSim(f"0 0 {day} * *", ANY_DAY)
    except CronSimError:
        return False
    return True


def _hint(number: int, field: str) -> str:
    if "-" in field and number == 4:
        return "A range goes up, and 7 is Sunday, too: Friday to Monday is 5-7,1."
    if "?" in field:
        return "Write * where any will do."
    return (
        "Numbers from 0 to 59.",
        "Numbers from 0 to 23.",
        "Numbers from 1 to 31, L for the last day, LW for the last weekday.",
        "Numbers from 1 to 12, or JAN to DEC.",
        "Numbers from 0 to 7 (0, 7: Sunday), SUN to SAT, 5L (last Friday), 1#2 (second Monday).",
    )[number]


def never_fires(text: str) -> Exception:
    """The refusal of an expression that means no date of the calendar."""
    return _refusal(f"{text!r} never fires", "No date of the calendar fits.", "never_fires")


def _wrong(message: str, hint: str | None = None) -> Exception:
    return _refusal(message, hint)


def _refusal(message: str, hint: str | None, code: str | None = None) -> Exception:
    return refusal("expression", message, hint, code)
