"""What moves are made of: the values that ``transitions`` turns into rows and history."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from pipeline_engine.domain.outcome import AbortReason
from pipeline_engine.domain.readiness import Contribution, SkipReason
from pipeline_engine.domain.states import ExecutionStatus, StepStatus
from pipeline_engine.storage.history import NewEvent, about
from pipeline_engine.storage.rows import StepRow
from pipeline_engine.storage.tables.base import Json
from pipeline_engine.storage.tables.events import EventType


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's wish to run a step that it has locked."""

    step: StepRow
    deadline: timedelta | None
    task_id: str | None = None  #: the Celery task that will run it


@dataclass(frozen=True, slots=True)
class EarlyEnd:
    """How a step ends the execution that it belongs to."""

    reason: AbortReason
    error: dict[str, Json] | None = None
    outputs: dict[str, Json] | None = None  #: of the execution; None: as its definition says


@dataclass(slots=True)
class Ending:
    """How one attempt, and with it the step, ended."""

    step: StepRow
    status: StepStatus
    outputs: dict[str, Json] | None = None
    error_code: str | None = None
    error_message: str | None = None
    skip_reason: SkipReason | None = None
    tolerated: bool = False
    ran: bool = True  #: False for a step that was skipped before it began
    skip_targets: Sequence[str] = ()  #: steps on the sides that this conditional did not take
    ends: EarlyEnd | None = None  #: the execution ends by this
    goes_to: Sequence[str] = ()  #: the only steps that go on, because its failure was caught
    #: ends of dependencies that no row has counted yet, since they are written together with this
    counted: Contribution | None = None
    ended_at: float = field(default_factory=time.monotonic)

    @property
    def happened(self) -> NewEvent:
        """The event that tells of it."""
        details: dict[str, Json] = {}
        if self.error_message:
            details |= {"error": self.error_message, "error_code": self.error_code}
            if self.status is StepStatus.COMPLETED:
                details["caught"] = list(self.goes_to)
        if self.ends:
            details["ends"] = self.ends.reason.value
        if self.skip_reason:
            details["reason"] = self.skip_reason.value
        return about(self.step, _ENDED[self.status], **details)


_ENDED: dict[StepStatus, EventType] = {
    StepStatus.COMPLETED: EventType.STEP_COMPLETED,
    StepStatus.FAILED: EventType.STEP_FAILED,
    StepStatus.SKIPPED: EventType.STEP_SKIPPED,
    StepStatus.TIMEOUT: EventType.STEP_TIMEOUT,
}


@dataclass(frozen=True, slots=True)
class Growth:
    """Rows that a fan-out, or a block, goes on to wait for."""

    step: StepRow
    added: int
    tolerated: int = 0  #: of all its rows, how many may fail before the rest is given up
    deadline: timedelta | None = None  #: for all of them, counted from the first
    noun: str = "items"
    undoes: bool = False  #: what an attempt has done that is over: it has no time, stopped or not
    error: tuple[str, str] | None = None  #: code and message, if that is no failure of its rows

    @property
    def record(self) -> dict[str, Json]:
        """What the statement reads."""
        told = about(self.step, EventType.STEP_EXPANDED, **{self.noun: self.added})
        return {
            "id": self.step.id,
            "attempt": self.step.attempt,
            "taken": str(self.step.status),
            "added": self.added,
            "tolerated": self.tolerated,
            "deadline": self.deadline.total_seconds() if self.deadline else None,
            "details": told.details,
            "undoes": self.undoes,
            "error_code": self.error and self.error[0],
            "error_message": self.error and self.error[1],
        }


@dataclass(frozen=True, slots=True)
class Parking:
    """What a step waits for, and until when."""

    external_ids: Sequence[str]
    outputs: dict[str, Json]
    deadline: timedelta | None
    wake_after: timedelta | None = None
    is_reminder: bool = False  #: it waits already, and goes on


@dataclass(frozen=True, slots=True)
class ExecutionEnding:
    """How an execution ended."""

    execution_id: UUID
    status: ExecutionStatus
    outputs: dict[str, Json] | None = None
    error: dict[str, Json] | None = None

    @property
    def record(self) -> dict[str, Json]:
        """The move, and the event that tells of it."""
        details: dict[str, Json] = {"success": self.status is ExecutionStatus.COMPLETED}
        if self.error:
            details["error"] = self.error
        return {
            "id": str(self.execution_id),
            "status": self.status.value,
            "outputs": self.outputs,
            "error": self.error,
            "event_type": _EXECUTION_ENDED[self.status].value,
            "details": details,
        }


_EXECUTION_ENDED: dict[ExecutionStatus, EventType] = {
    ExecutionStatus.COMPLETED: EventType.WORKFLOW_COMPLETED,
    ExecutionStatus.FAILED: EventType.WORKFLOW_FAILED,
    ExecutionStatus.INTERRUPTED: EventType.WORKFLOW_INTERRUPTED,
}
