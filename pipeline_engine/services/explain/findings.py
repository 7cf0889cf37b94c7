"""What a standstill can be put down to; the codes are stable, the sentences are for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any


class FindingCode(StrEnum):
    """Every reason for which an execution or a step may not be moving."""

    # Of an execution
    ENDED = "ended"  #: nothing will move any more
    ABORTING = "aborting"  #: it is being cancelled, and its steps are being stopped
    SWEEP_SILENT = "sweep_silent"  #: no sweep looks after lost messages, timers and dead workers
    REDIS_AWAY = "redis_away"  #: no message gets through
    STUCK = "stuck"  #: none of its steps will be moved by anything: a fault of the engine

    # Of a step or an item; the place, of an execution as well
    WAITS_FOR_DEPENDENCIES = "waits_for_dependencies"  #: steps in front of it are open
    WINDOW_FULL = "window_full"  #: ``max_parallel_steps`` are on their way
    WAITS_FOR_PLACE = "waits_for_place"  #: as many as may be have its concurrency key
    ITEMS_HELD = "items_held"  #: a fan-out limits how many of its items run at once
    QUEUED = "queued"  #: its message waits for a worker
    NO_WORKER = "no_worker"  #: the same, and no worker that lives serves its queue
    RUNNING = "running"  #: a worker has it
    LEASE_EXPIRED = "lease_expired"  #: a worker had it, and does not answer any more
    PARKED = "parked"  #: waits for an event or a callback
    WAITS_FOR_EXECUTION = "waits_for_execution"  #: waits for the end of a pipeline that it started
    TIMER = "timer"  #: waits for a moment
    RETRY_WAITING = "retry_waiting"  #: failed, and waits for its next attempt
    DELAYED = "delayed"  #: an item that is not to start before a moment
    WAITS_FOR_ITEMS = "waits_for_items"  #: its items are open
    WAITS_FOR_STEPS = "waits_for_steps"  #: a block whose steps are open
    JOINING = "joining"  #: its items have ended, and their results are about to be collected
    CLEANING_UP = "cleaning_up"  #: it was stopped, and its action undoes what it started
    UNEXPLAINED = "unexplained"  #: nothing will move it: a fault of the engine


#: Findings about steps that wait for others of their execution.
WAIT_FOR_OTHERS = frozenset(
    {
        FindingCode.WAITS_FOR_DEPENDENCIES,
        FindingCode.WINDOW_FULL,
        FindingCode.ITEMS_HELD,
        FindingCode.WAITS_FOR_ITEMS,
        FindingCode.WAITS_FOR_STEPS,
        FindingCode.UNEXPLAINED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Why one thing is not moving, and what can be done about it."""

    code: FindingCode
    because: str
    what_to_do: str
    step_id: str | None = None  #: None: it is about the whole execution
    item_index: int | None = None
    within: str | None = None  #: the blocks around it: ``each[3]/pay#2``
    since: datetime | None = None  #: when it last moved, if that is known
    facts: Mapping[str, Any] = field(default_factory=dict)


Words = tuple[str, str, Mapping[str, Any]]  #: because, what to do, facts
WAIT = "Nothing: it goes on by itself."


def moment(at: datetime | None) -> str:
    """A point in time in words."""
    return "an unknown time" if at is None else f"{at:%Y-%m-%d %H:%M:%S} UTC"


def span(length: timedelta | float) -> str:
    """A duration in words, as exact as anybody wants it."""
    seconds = length.total_seconds() if isinstance(length, timedelta) else length
    seconds = abs(seconds)
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def until(at: datetime | None, now: datetime) -> str:
    """How far away a point in time is."""
    if at is None:
        return "with no time limit"
    if at <= now:
        return f"until {moment(at)}, {span(now - at)} ago: the next sweep will act"
    return f"until {moment(at)} (another {span(at - now)})"
