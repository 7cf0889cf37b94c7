"""A recorded history as the audit reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline_engine.domain.outcome import AbortReason
from pipeline_engine.domain.readiness import SkipReason
from pipeline_engine.domain.states import ExecutionStatus, StepStatus
from pipeline_engine.scheduler.sweep import EXECUTION_TIMEOUT
from pipeline_engine.storage.tables.events import EventType

STEP_ENDS: Mapping[EventType, StepStatus] = {
    EventType.STEP_COMPLETED: StepStatus.COMPLETED,
    EventType.STEP_FAILED: StepStatus.FAILED,
    EventType.STEP_SKIPPED: StepStatus.SKIPPED,
    EventType.STEP_TIMEOUT: StepStatus.TIMEOUT,
}
EXECUTION_ENDS: Mapping[EventType, ExecutionStatus] = {
    EventType.WORKFLOW_COMPLETED: ExecutionStatus.COMPLETED,
    EventType.WORKFLOW_FAILED: ExecutionStatus.FAILED,
    EventType.WORKFLOW_INTERRUPTED: ExecutionStatus.INTERRUPTED,
}
INTENTS: Mapping[EventType, AbortReason] = {
    EventType.CANCEL_REQUESTED: AbortReason.CANCELLED,
    EventType.DEADLINE_PASSED: AbortReason.TIMED_OUT,
}
#: What tells of places of a key; no status changes by it.
PLACES = frozenset({EventType.PLACE_AWAITED, EventType.PLACE_TAKEN})


@dataclass(frozen=True, slots=True)
class Recorded:
    """One event.

    Its id orders it: an id is given after everything that its writer had seen was committed,
    which cannot be said of the numbers of transactions, as these are given when they begin.
    """

    id: int
    type: EventType
    step_execution_id: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def step_id(self) -> str:
        """The step that this is about."""
        return str(self.details.get("step_id"))

    @property
    def item_index(self) -> int | None:
        """Which item of a fan-out this is about, if it is about one."""
        return self.details.get("item_index")

    @property
    def is_of_item(self) -> bool:
        """It is about an item of a fan-out."""
        return self.item_index is not None

    @property
    def within(self) -> str | None:
        """The blocks that this is in, with their attempts; None outside."""
        return self.details.get("within")

    @property
    def fails_others(self) -> bool:
        """Its failure is for what has made it to count: an item, or a step of a block."""
        return self.is_of_item or self.within is not None

    @property
    def end(self) -> StepStatus | None:
        """How the step ended by this, if it did."""
        return STEP_ENDS.get(self.type)

    @property
    def skip_reason(self) -> SkipReason | None:
        """Why the step was skipped, if it was."""
        given = self.details.get("reason")
        return SkipReason(given) if given and self.type is EventType.STEP_SKIPPED else None

    @property
    def ends(self) -> AbortReason | None:
        """Why the execution ends early by this end of a step, if it does."""
        given = self.details.get("ends")
        return AbortReason(given) if given and self.end is not None else None

    @property
    def caught(self) -> Sequence[str] | None:
        """The steps that alone went on because the failure was caught; None if none was."""
        return self.details.get("caught")

    @property
    def error(self) -> Mapping[str, Any]:
        """Why the execution failed, if it did."""
        return self.details.get("error") or {}


def the_end(history: Sequence[Recorded]) -> Recorded | None:
    """The event that ended the execution, if it has ended."""
    return next((event for event in history if event.type in EXECUTION_ENDS), None)


def abort_reason(history: Sequence[Recorded], *, fails_fast: bool) -> AbortReason | None:
    """Why the execution was given up, if it was: a cancel outranks whatever else there was.

    A failure is no event of the execution. Neither was a time-out in older histories: it left
    its error, which names no step.
    """
    intents = {INTENTS[event.type] for event in history if event.type in INTENTS}
    if AbortReason.CANCELLED in intents:
        return AbortReason.CANCELLED
    end = the_end(history)
    late = end and end.error.get("code") == EXECUTION_TIMEOUT and "step_id" not in end.error
    if late or AbortReason.TIMED_OUT in intents:
        return AbortReason.TIMED_OUT
    told = [event.ends for event in history if event.ends is not None]
    if told:
        return told[0]
    return AbortReason.FAILED if fails_fast else None
