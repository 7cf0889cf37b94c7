"""Ending an execution early: by a failure, by its time-out, or by a client's cancel.

The intent is stored first. What never started is skipped at once. What runs or is parked is
fenced by a new attempt number, told to stop, and ends after its action has cleaned up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from pipeline_engine.dispatch import CLEAN_UP, Message
from pipeline_engine.domain.outcome import AbortReason
from pipeline_engine.domain.readiness import SkipReason
from pipeline_engine.domain.states import StepStatus
from pipeline_engine.errors import PipelineEngineError
from pipeline_engine.scheduler.plans import Plan
from pipeline_engine.scheduler.work import Work
from pipeline_engine.sdk import BaseActionExecutor
from pipeline_engine.storage import locking, queueing, transitions
from pipeline_engine.storage.base import Json
from pipeline_engine.storage.moves import Ending
from pipeline_engine.storage.rows import StepRow

MESSAGES = {
    AbortReason.FAILED: "Workflow aborted",
    AbortReason.TIMED_OUT: "Workflow timed out",
    AbortReason.CANCELLED: "Execution cancelled",
}


def give_up(
    work: Work, execution_id: UUID, *, reason: AbortReason, error: dict[str, Json]
) -> list[Ending]:
    """Store the intent and stop every step; returns the ends that are due at once.

    Nothing if the execution has ended, or is being aborted already.
    """
    # Steps before their execution, as whoever ends the last of them locks the two.
    steps = locking.lock_open_steps(work.connection, execution_id)
    intend = transitions.intend_abort
    if not intend(work.connection, execution_id, reason=reason.value, error=error):
        return []
    plan = work.plan(execution_id)
    if any(step.items_open for step in steps):
        # A fan-out whose row we had to wait for has items which that statement did not see.
        steps = locking.lock_open_steps(work.connection, execution_id)
    steps = [s for s in steps if plan.definition_of(s).trigger_rule not in reason.survivors]
    return stop(work, steps, plan, because=MESSAGES[reason])


def stop(work: Work, steps: Sequence[StepRow], plan: Plan, *, because: str) -> list[Ending]:
    """Stop locked steps: ends for those that can end now, a clean-up for the others."""
    queueing.forget_time_outs(work.connection, [step.id for step in steps if step.cancelling])
    steps = [step for step in steps if not step.cancelling]  # their clean-up will end them
    cleaned = [step for step in steps if has_to_clean_up(step, plan)]
    waiting = [step for step in steps if _waits_for_items(step)]
    transitions.begin_cancelling(
        work.connection,
        [step.id for step in (*cleaned, *waiting)],
        wake=work.runtime.settings.republish_after,
    )
    work.revoked.extend(step for step in steps if step.task_id)
    ask_to_clean_up(work, cleaned)
    put_off = {step.id for step in (*cleaned, *waiting)}
    return aborted((step for step in steps if step.id not in put_off), because=because)


def ask_to_clean_up(work: Work, steps: Iterable[StepRow]) -> None:
    """Wake the clean-up of stopped steps after the commit; the sweep does if that is lost."""
    work.messages.extend(Message(CLEAN_UP, (step.id,), step.queue) for step in steps)


def aborted(steps: Iterable[StepRow], *, because: str) -> list[Ending]:
    """The end of steps that were stopped with their execution."""
    return [
        Ending(
            step,
            StepStatus.SKIPPED,
            error_code=SkipReason.ABORTED.value,
            error_message=because,
            skip_reason=SkipReason.ABORTED,
            ran=False,
        )
        for step in steps
    ]


def _waits_for_items(step: StepRow) -> bool:
    """A fan-out ends after its last item has."""
    return step.status == StepStatus.RUNNING and bool(step.items_open)


def has_to_clean_up(step: StepRow, plan: Plan) -> bool:
    """Whether the step may have started something that its action knows how to stop."""
    if step.status != StepStatus.RUNNING or step.items_total is not None:
        return False
    try:
        executor = plan.step(step).executor
    except PipelineEngineError:  # its plug-in is gone; nobody could clean up
        return False
    return type(executor).cleanup is not BaseActionExecutor.cleanup
