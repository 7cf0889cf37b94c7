"""Schedules: save, change, pause, resume, trigger, and what became of their due times.

*now* is for tests everywhere; otherwise the clock of the database counts, which all share.
Reading order: ``reading``, ``wanted``, ``saving``, ``runs``, ``preview``, ``calendar``.
"""

from __future__ import annotations

from pipeline_engine.domain.recurrence import Doubled, Kind, Missing, Odd
from pipeline_engine.domain.schedules import (
    FireOrigin,
    FireOutcome,
    Misfire,
    Overlap,
    ScheduleStatus,
)
from pipeline_engine.services.schedules.calendar import (
    MOST_DAYS,
    Calendar,
    Day,
    Firing,
    Mark,
    calendar,
    is_zone,
)
from pipeline_engine.services.schedules.preview import Runs, preview
from pipeline_engine.services.schedules.reading import (
    Filter,
    StoredSchedule,
    fires,
    get,
    listed,
    next_runs,
)
from pipeline_engine.services.schedules.runs import (
    MOST_BACKFILLED,
    Backfilled,
    Polled,
    Triggered,
    backfill,
    poll,
    trigger,
)
from pipeline_engine.services.schedules.saving import (
    change,
    create,
    delete,
    pause,
    resume,
)
from pipeline_engine.services.schedules.wanted import Wanted

KINDS: tuple[str, ...] = tuple(Kind)
MISSING: tuple[str, ...] = tuple(Missing)
DOUBLED: tuple[str, ...] = tuple(Doubled)
MISFIRES: tuple[str, ...] = tuple(Misfire)
OVERLAPS: tuple[str, ...] = tuple(Overlap)
STATUSES: tuple[str, ...] = tuple(ScheduleStatus)
MARKS: tuple[str, ...] = tuple(Mark)
ODD: tuple[str, ...] = tuple(Odd)
OUTCOMES: tuple[str, ...] = tuple(FireOutcome)
ORIGINS: tuple[str, ...] = tuple(FireOrigin)

__all__ = [
    "DOUBLED",
    "KINDS",
    "MARKS",
    "MISFIRES",
    "MISSING",
    "MOST_BACKFILLED",
    "MOST_DAYS",
    "ODD",
    "ORIGINS",
    "OUTCOMES",
    "OVERLAPS",
    "STATUSES",
    "Backfilled",
    "Calendar",
    "Day",
    "Filter",
    "Firing",
    "Polled",
    "Runs",
    "StoredSchedule",
    "Triggered",
    "Wanted",
    "backfill",
    "calendar",
    "change",
    "create",
    "delete",
    "fires",
    "get",
    "is_zone",
    "listed",
    "next_runs",
    "pause",
    "poll",
    "preview",
    "resume",
    "trigger",
]
