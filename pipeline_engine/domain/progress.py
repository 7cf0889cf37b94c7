"""How far an execution is, and how long it may still take.

COMPLETED and SKIPPED steps count as 100 %, RUNNING and FAILED ones with their own percentage, all
others as 0 %. Steps count by their weight, which is 1 unless the definition says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from pipeline_engine.domain.states import FINAL_STEP_STATUSES, StepStatus

ZERO = Decimal(0)
FULL = Decimal(100)
#: Seconds of an estimate, at most; a longer one says nothing, and may be too large for JSON.
LONGEST_ETA = 366 * 24 * 3600
HUNDREDTH = Decimal("0.01")
DONE = frozenset({StepStatus.COMPLETED, StepStatus.SKIPPED})
COUNTS_ITS_OWN = frozenset({StepStatus.RUNNING, StepStatus.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class StepProgress:
    """One step, as far as progress is concerned."""

    status: StepStatus
    percentage: Decimal | float = 0
    weight: Decimal | float = 1
    started_at: datetime | None = None
    finished_at: datetime | None = None
    name: str = ""
    waits_for_somebody: bool = False
    wakes_in_seconds: Decimal | float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusGroup:
    """All steps of one status in sums, which saves loading 10,000 rows.

    ``timed_weight`` and ``seconds`` are the sums over those steps that have both times.
    """

    status: StepStatus
    count: int
    weight: Decimal | float  #: Σ weight
    weighted_percentage: Decimal | float = 0  #: Σ weight · percentage
    timed_weight: Decimal | float = 0  #: Σ weight
    seconds: Decimal | float = 0  #: Σ finished_at - started_at
    waiting: int = 0  #: steps that wait for the outside and have no estimate
    wakes_in_seconds: Decimal | float | None = None  #: the latest of the known points in time


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """The progress of a whole execution."""

    overall_progress: Decimal  #: 0.00 to 100.00
    eta_seconds: int | None
    completed_steps: int  #: COMPLETED and SKIPPED ones
    total_steps: int
    current_step: str | None  #: the name of the last running step


def aggregate(steps: Iterable[StepProgress]) -> Aggregate:
    """The progress of *steps*, which come in definition order."""
    rows = tuple(steps)
    running = [row.name for row in rows if row.status is StepStatus.RUNNING]
    return aggregate_groups(map(_group_of_one, rows), current_step=running[-1] if running else None)


def aggregate_groups(
    groups: Iterable[StatusGroup], *, current_step: str | None = None
) -> Aggregate:
    """The progress of an execution, from the sums of its steps by status."""
    found = tuple(groups)
    weight = sum((_exact(group.weight) for group in found), ZERO)
    achieved = sum((_achieved(group) for group in found), ZERO)
    overall = min(achieved / weight, FULL) if weight else ZERO
    return Aggregate(
        overall_progress=overall.quantize(HUNDREDTH, ROUND_HALF_UP),
        eta_seconds=_eta_seconds(found),
        completed_steps=sum(group.count for group in found if group.status in DONE),
        total_steps=sum(group.count for group in found),
        current_step=current_step,
    )


def never_less(high_water: Decimal | None, overall: Decimal) -> Decimal:
    """What to report: progress never goes back, whatever a step says of itself."""
    return overall if high_water is None else max(high_water, overall)


def _group_of_one(step: StepProgress) -> StatusGroup:
    percentage = min(max(_exact(step.percentage), ZERO), FULL)
    timed = step.started_at is not None and step.finished_at is not None
    return StatusGroup(
        status=step.status,
        count=1,
        weight=step.weight,
        weighted_percentage=_exact(step.weight) * percentage,
        timed_weight=step.weight if timed else 0,
        seconds=_seconds(step.started_at, step.finished_at),
        waiting=int(step.waits_for_somebody),
        wakes_in_seconds=step.wakes_in_seconds,
    )


def _achieved(group: StatusGroup) -> Decimal:
    """The weighted percentage that a group adds."""
    if group.status in DONE:
        return _exact(group.weight) * FULL
    return _exact(group.weighted_percentage) if group.status in COUNTS_ITS_OWN else ZERO


def _eta_seconds(groups: tuple[StatusGroup, ...]) -> int | None:
    """What is left, at the pace of what was done: seconds per unit of weight.

    With equal weights this is the mean duration of a finished step times the steps left. It is
    no less than what a step or an item still waits for the clock, and there is none while one
    waits for the outside without an estimate: how long a person takes is unknown.
    """
    if any(group.waiting for group in groups):
        return None
    done = [group for group in groups if group.status in DONE]
    timed_weight = sum((_exact(group.timed_weight) for group in done), ZERO)
    remaining = [group for group in groups if group.status not in FINAL_STEP_STATUSES]
    if not timed_weight or not any(group.count for group in remaining):
        return None
    pace = sum((_exact(group.seconds) for group in done), ZERO) / timed_weight
    left = sum((_exact(group.weight) - _achieved(group) / FULL for group in remaining), ZERO)
    wakes = (_exact(group.wakes_in_seconds or 0) for group in remaining)
    seconds = max(left * pace, *wakes)
    return max(0, int(seconds)) if seconds <= LONGEST_ETA else None


def _seconds(started_at: datetime | None, finished_at: datetime | None) -> float:
    if started_at is None or finished_at is None:
        return 0.0
    return (finished_at - started_at).total_seconds()


def _exact(number: Decimal | float) -> Decimal:
    """The number as it is written; none of these is negative, and what is no number counts as 0.

    Rows may hold anything: definitions were not always checked as they are now.
    """
    # By way of the text: 0.1 stays 0.1.
    exact = number if isinstance(number, Decimal) else Decimal(str(number))
    return exact if exact.is_finite() and exact > 0 else ZERO
