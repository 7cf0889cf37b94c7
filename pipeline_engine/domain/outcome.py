"""How an execution ends, and what runs before that: compensations and handlers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum

from pipeline_engine.domain.definitions import (
    JSON,
    Compensation,
    ForEach,
    HandlerWhen,
    OnFailure,
    PipelineDefinition,
    RetryConfig,
    StepDefinition,
    TriggerRule,
)
from pipeline_engine.domain.paths import IN_BLOCK
from pipeline_engine.domain.readiness import SURVIVES_CANCEL, SURVIVES_FAILURE
from pipeline_engine.domain.states import ExecutionStatus, StepStatus

COMPENSATES = "compensate:"  #: what the id of a compensation begins with
#: Where the error of an execution names what could not be undone.
NOT_UNDONE = "compensation"
#: Default retries of a compensation: what it leaves has to be undone by hand.
UNDO_RETRY = (RetryConfig(max_attempts=3, backoff_seconds=2),)


class AbortReason(StrEnum):
    """Why an execution ends before its steps have; the first counts, or what outranks it."""

    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    ENDED = "ended"  #: a step has ended it, and well

    @property
    def survivors(self) -> frozenset[TriggerRule]:
        """The rules of steps that go on all the same."""
        told = {AbortReason.CANCELLED, AbortReason.ENDED}
        return SURVIVES_CANCEL if self in told else SURVIVES_FAILURE

    def outranks(self, earlier: AbortReason | None) -> bool:
        """Whether this is what counts although *earlier* came first.

        What a client says does; and a good end has to be reached in time.
        """
        if self is AbortReason.TIMED_OUT:
            return earlier in {None, AbortReason.ENDED}
        return earlier is None or (self is AbortReason.CANCELLED and earlier is not self)


def outcome(reason: str | None, *, failed: bool) -> ExecutionStatus:
    """The status that an execution ends with; *failed*: something in it did, unhandled."""
    if reason == AbortReason.CANCELLED:
        return ExecutionStatus.INTERRUPTED
    return ExecutionStatus.FAILED if failed else ExecutionStatus.COMPLETED


def has_failed(error: Mapping[str, JSON] | None) -> bool:
    """Whether what is noted of an execution is a failure, and not only what was not undone."""
    return bool(error and error.keys() - {NOT_UNDONE})


def handlers_after(definition: PipelineDefinition, status: ExecutionStatus) -> list[StepDefinition]:
    """The handlers that run when the steps have ended and this is what it comes to."""
    wanted = {
        HandlerWhen.ALWAYS: True,
        HandlerWhen.ON_SUCCESS: status is ExecutionStatus.COMPLETED,
        HandlerWhen.ON_FAILURE: status is ExecutionStatus.FAILED,
        HandlerWhen.ON_CANCEL: status is ExecutionStatus.INTERRUPTED,
    }
    return [handler.step for handler in definition.settings.handlers if wanted[handler.when]]


def own_id(step_id: str) -> str:
    """The id in the definition behind that of a row: of a compensation, what it undoes."""
    if not step_id.startswith(COMPENSATES):  # no id of a step holds a colon
        return step_id
    return step_id.removeprefix(COMPENSATES).partition(IN_BLOCK)[0]


def undone(compensation: Compensation, status: StepStatus, items: Collection[StepStatus]) -> bool:
    """Whether there is something to undo of a step that ended so, and of its items.

    *status* is that of a failure also if it was caught.
    """
    wanted = undone_ends(compensation)
    return bool(wanted.intersection(items)) if compensation.per_item else status in wanted


def undone_ends(compensation: Compensation) -> frozenset[StepStatus]:
    """How a step, or an item, has ended that is undone."""
    completed = {StepStatus.COMPLETED}
    failed = {StepStatus.FAILED, StepStatus.TIMEOUT} if compensation.when_failed else set()
    return frozenset(completed | failed)


def compensating(
    step: StepDefinition, compensation: Compensation, *, within: str | None = None
) -> StepDefinition:
    """The step that undoes *step*, in the blocks that this is *within*."""
    per_item = compensation.per_item
    return StepDefinition(
        id=f"{COMPENSATES}{step.id}" + ("" if within is None else f"{IN_BLOCK}{within}"),
        name=compensation.name or f"Undo {step.name}",
        # One after the other, and all of them; which ones there are the rows say.
        for_each=ForEach(items=[], max_concurrency=1, tolerated_percent=100) if per_item else None,
        undoes_items=undone_ends(compensation) if per_item else frozenset(),
        action=compensation.action,
        params=compensation.params,
        retry=compensation.retry or UNDO_RETRY,
        timeout_seconds=compensation.timeout_seconds,
        on_failure=OnFailure.CONTINUE,
    )
