"""The entry of a schedule, as beat reads it: it knows zones and jitter, and no row.

RedBeat's own kinds of schedules have no time zone. The entry has all that is needed to compute the
next ring; whether anything is to be done then, rows decide.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from celery.schedules import BaseSchedule, schedstate
from redbeat import RedBeatSchedulerEntry

from pipeline_engine.dispatch.bells import KIND
from pipeline_engine.domain.schedules import Timing, timing_of
from pipeline_engine.errors import InvalidSchedule

#: What is wrong with an entry that some other version, or nobody of us, has written.
UNREADABLE = (InvalidSchedule, AttributeError, KeyError, TypeError, ValueError)


class RowSchedule(BaseSchedule):
    """The due times of a row, with its zone and its jitter."""

    def __init__(self, timing: Timing, **options: Any) -> None:
        super().__init__(**options)
        self.timing = timing

    def remaining_estimate(  # type: ignore[override]  # RedBeat takes None for never
        self, last_run_at: datetime
    ) -> timedelta | None:
        """How long after *last_run_at* it is due; RedBeat adds it to that. None is never."""
        due = self.timing.next_after(_utc(last_run_at))
        return None if due is None else due.fire_at - _utc(last_run_at)

    def is_due(self, last_run_at: datetime) -> schedstate:
        """Whether to ring now, and how many seconds until the next look; none if never."""
        now = self.now()
        due = self.timing.next_after(_utc(last_run_at))
        is_due = due is not None and due.fire_at <= now
        following = self.timing.next_after(now) if is_due else due
        if following is None:
            return schedstate(is_due, None)  # type: ignore[arg-type]
        return schedstate(is_due, max((following.fire_at - now).total_seconds(), 0.0))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.timing,)


class Entry(RedBeatSchedulerEntry):
    """An entry of RedBeat that may be that of a schedule."""

    @staticmethod
    def decode_definition(definition: str) -> dict[str, Any]:
        """Read an entry; one that cannot be read is none, and RedBeat forgets it."""
        try:
            read: dict[str, Any] = RedBeatSchedulerEntry.decode_definition(definition)
            told = read["schedule"]
            if isinstance(told, dict) and told.get("__type__") == KIND:
                read["schedule"] = RowSchedule(timing_of(told))
        except UNREADABLE as error:
            raise KeyError(str(error)) from error
        return read


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
