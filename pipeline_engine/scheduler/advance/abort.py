"""Ending an execution early: by a failure, by its time-out, or by a client's cancel.

The intent is stored first; a cancel outranks the others. What never started is skipped at once.
What runs or is parked is fenced by a new attempt number, told to stop, and ends after its action
has cleaned up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from pipeline_engine.dispatch.messages import CLEAN_UP, Message
from pipeline_engine.domain.definitions import TriggerRule
from pipeline_engine.domain.outcome import AbortReason
from pipeline_engine.domain.readiness import SkipReason
from pipeline_engine.domain.states import StepStatus
from pipeline_engine.errors import PipelineEngineError
from pipeline_engine.scheduler.plan.plan import Plan
from pipeline_engine.scheduler.transaction import Transaction
from pipeline_engine.sdk import BaseActionExecutor
from pipeline_engine.storage import locking, queueing, transitions
from pipeline_engine.storage.moves import Ending
from pipeline_engine.storage.places import is_in_line
from pipeline_engine.storage.rows import StepRow
from pipeline_engine.storage.tables.base import Json
from pipeline_engine.storage.tables.events import EventType
from pipeline_engine.storage.tables.steps import StepKind

#: The rules of steps that go on when everything is stopped, handlers and compensations, too.
NOBODY: frozenset[TriggerRule] = frozenset()
MESSAGES = {
    AbortReason.FAILED: "Workflow aborted",
    AbortReason.TIMED_OUT: "Workflow timed out",
    AbortReason.CANCELLED: "Execution cancelled",
}
ENDED = "'{}' has ended the execution"  #: of a step that was stopped by another one


def give_up(
    tx: Transaction,
    execution_id: UUID,
    *,
    reason: AbortReason,
    error: dict[str, Json] | None,
    outputs: dict[str, Json] | None = None,
    because: str | None = None,
    force: bool = False,
) -> list[Ending] | None:
    """Store the intent and stop what does not survive it; returns the ends that are due at once.

    The *outputs* are those of a step that ends the execution, if it has any for it. What is
    stopped says *because* of what, if there is more to say than the reason.

    With *force* nothing survives, handlers and compensations neither. None if there was nothing
    to store: the execution has ended, or is being ended like this already.
    """

    def intend() -> frozenset[TriggerRule] | None:
        stored = transitions.intend_abort(
            tx.connection, execution_id, reason=reason, error=error, outputs=outputs
        )
        event, end = EventType.CANCEL_REQUESTED, transitions.force_end
        if force and end(tx.connection, execution_id, event=event, error=error or {}):
            return NOBODY
        return reason.survivors if stored else None

    return _stop_all(tx, execution_id, intend, because=because or MESSAGES[reason])


def out_of_time(
    tx: Transaction, execution_id: UUID, *, grace: timedelta, error: dict[str, Json]
) -> list[Ending] | None:
    """What follows when the time of an execution is up, or that of its handlers after it."""

    def intend() -> frozenset[TriggerRule] | None:
        passed = transitions.pass_deadline
        reason = passed(tx.connection, execution_id, grace=grace, error=error)
        if reason is not None:
            return reason.survivors
        event, force = EventType.DEADLINE_PASSED, transitions.force_end
        forced = force(tx.connection, execution_id, event=event, error=error, only_overdue=True)
        return NOBODY if forced else None

    return _stop_all(tx, execution_id, intend, because=MESSAGES[AbortReason.TIMED_OUT])


def _stop_all(
    tx: Transaction,
    execution_id: UUID,
    intend: Callable[[], frozenset[TriggerRule] | None],
    *,
    because: str,
) -> list[Ending] | None:
    """Stop the steps that do not survive what *intend* stores."""
    # Steps before their execution, as whoever ends the last of them locks the two.
    steps = locking.lock_open_steps(tx.connection, execution_id)
    survivors = intend()
    if survivors is None:
        return None
    plan = tx.plan(execution_id)
    known = 0
    while not survivors or any(step.items_open for step in steps):
        # What we had to wait for has made rows that the statement before did not see: the items
        # of a fan-out, the steps of a block, or the handlers that a sink has added.
        known, steps = len(steps), locking.lock_open_steps(tx.connection, execution_id)
        if len(steps) <= known:
            break
    if survivors and _stands_in_line(tx, execution_id, plan):
        # Nothing of it has run, and what has the place may rely on being alone.
        return stop(tx, steps, plan, because=because)
    if not survivors:
        return stop(tx, steps, plan, because=because, for_good=True)
    return stop(tx, doomed(steps, plan, survivors), plan, because=because)


def _stands_in_line(tx: Transaction, execution_id: UUID, plan: Plan) -> bool:
    return plan.definition.needs_place and is_in_line(tx.connection, execution_id)


def lock_below(
    tx: Transaction,
    rows: Sequence[StepRow],
    plan: Plan,
    survivors: frozenset[TriggerRule] = NOBODY,
) -> list[StepRow]:
    """What these fan-outs and blocks have made and is to be stopped with them, locked."""
    open_rows = locking.lock_open_below(tx.connection, [row.id for row in rows])
    return doomed(open_rows, plan, survivors)


def doomed(
    steps: Sequence[StepRow], plan: Plan, survivors: frozenset[TriggerRule]
) -> list[StepRow]:
    """Steps that do not survive, with all that they have made.

    Handlers and compensations always do.
    """
    by_id = {step.id: step for step in steps}

    def survives(step: StepRow) -> bool:
        if step.kind in {StepKind.HANDLER, StepKind.COMPENSATION}:
            return True
        if step.kind == StepKind.STEP and plan.definition_of(step).trigger_rule in survivors:
            return True
        owner = by_id.get(step.parent_id or step.id, step)
        return owner is not step and survives(owner)

    return [step for step in steps if not survives(step)]


def stop(
    tx: Transaction,
    steps: Sequence[StepRow],
    plan: Plan,
    *,
    because: str,
    reason: SkipReason = SkipReason.ABORTED,
    for_good: bool = False,
) -> list[Ending]:
    """Stop locked steps: ends for those that can end now, a clean-up for the others.

    Stopped *for good* their clean-ups have to be over in time, begun or not.
    """
    cleaning = [step for step in steps if step.cancelling]  # that will end them
    code = None if reason is SkipReason.ABORTED else reason.value
    end_as_stopped(tx, cleaning, error_code=code)
    steps = [step for step in steps if not step.cancelling]
    cleaned = [step for step in steps if has_to_clean_up(step, plan)]
    waiting = [step for step in steps if _waits_for_items(step)]
    put_off = {step.id for step in (*cleaned, *waiting)}
    settings = tx.runtime.settings
    transitions.begin_stopping(
        tx.connection,
        sorted(put_off),
        wake=settings.republish_after,
        error_code=code,
        error_message=because,
    )
    if for_good:
        ids = [step.id for step in (*cleaning, *cleaned)]
        queueing.limit_clean_ups(tx.connection, ids, within=settings.clean_up_timeout)
    tx.revoked.extend(step for step in steps if step.task_id)
    ask_to_clean_up(tx, cleaned)
    now = (step for step in steps if step.id not in put_off)
    return stopped(now, because=because, reason=reason)


def end_as_stopped(tx: Transaction, steps: Sequence[StepRow], *, error_code: str | None) -> None:
    """Let steps that are being stopped end as that, and not by their time-out: no retry follows.

    The *error_code* says what for; None: with their execution. A fan-out is never tried again.
    """
    ids = [
        step.id
        for step in steps
        if step.items_total is None or tx.plan(step.execution_id).opens(step)
    ]
    queueing.end_as_stopped(tx.connection, ids, error_code=error_code)


def ask_to_clean_up(tx: Transaction, steps: Iterable[StepRow]) -> None:
    """Wake the clean-up of stopped steps after the commit; the sweep does if that is lost."""
    tx.messages.extend(Message(CLEAN_UP, (step.id,), step.queue, step.label) for step in steps)


def stopped(
    steps: Iterable[StepRow], *, because: str, reason: SkipReason = SkipReason.ABORTED
) -> list[Ending]:
    """The end of steps that were stopped, with their execution or because nobody needs them."""
    return [
        Ending(
            step,
            StepStatus.SKIPPED,
            error_code=reason.value,
            error_message=because,
            skip_reason=reason,
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
