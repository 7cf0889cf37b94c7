"""What became of an attempt: it ended, failed and may try again, parked, or became items."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pipeline_engine.dispatch.messages import DELIVER, Message
from pipeline_engine.domain import retries
from pipeline_engine.domain.definitions import MAX_ATTEMPTS, RetryConfig
from pipeline_engine.domain.expressions import ExpressionError, SecretMisused
from pipeline_engine.domain.json_guard import JsonRejected
from pipeline_engine.domain.outcome import AbortReason
from pipeline_engine.domain.states import ExecutionStatus, StepStatus
from pipeline_engine.errors import PermissionDenied, PipelineEngineError
from pipeline_engine.scheduler.actions.output_limits import Room, guarded_outputs
from pipeline_engine.scheduler.actions.prepared import Prepared
from pipeline_engine.scheduler.actions.results import Expansion, InvalidResult, Outcome
from pipeline_engine.scheduler.advance import abort, fan_out
from pipeline_engine.scheduler.advance.catching import caught
from pipeline_engine.scheduler.advance.denial import record_denial
from pipeline_engine.scheduler.plan.planned_step import PlannedStep
from pipeline_engine.scheduler.transaction import Transaction
from pipeline_engine.sdk import ActionResult
from pipeline_engine.storage import (
    history,
    locking,
    mailbox,
    queueing,
    rows,
    transitions,
)
from pipeline_engine.storage.moves import EarlyEnd, Ending, Parking
from pipeline_engine.storage.rows import StepRow
from pipeline_engine.storage.tables.steps import StepKind

TOO_SLOW = "Step timed out"
NO_EVENT = "Step timed out waiting for event"


def decide(tx: Transaction, step: Prepared, found: Outcome) -> list[Ending]:
    """What follows from a call of an action.

    Nothing ends if the step parked, waits for items, or will be tried again.
    """
    return _expanded(tx, step, found) if isinstance(found, Expansion) else _decided(tx, step, found)


def _decided(tx: Transaction, step: Prepared, result: ActionResult) -> list[Ending]:
    masker = step.masker
    try:
        room = Room.OWN if step.row.items_total is None else Room.ASSEMBLED
        outputs = guarded_outputs(tx.runtime, result.outputs, masker, room)
    except JsonRejected as error:
        # What the action did is done: no retry, unless the policy names this very code.
        message = f"The outputs cannot be stored: {error}"
        return failed(tx, step.row, step.planned, error_code=error.code, message=message)
    if result.awaiting_event and masker.finds(list(result.external_workflow_ids)):
        # They are stored, sent and searched for: in the clear.
        return failed(
            tx,
            step.row,
            step.planned,
            error_code=SecretMisused.code,
            message="The id of an event quotes a secret",
            retryable=False,
        )
    ends = result.ends_execution
    if ends is not None and tx.plan(step.row.execution_id).runs_after_steps(step.row):
        ends = None  # the execution ends anyway
    if not result.success:
        return failed(
            tx,
            step.row,
            step.planned,
            error_code=masker.mask(result.error_code) or "action_failed",
            message=masker.mask(result.error) or "The action failed",
            outputs=outputs,
            retryable=result.retryable,
            at_least=result.retry_after_seconds,
            ends=ends,
        )
    if result.awaiting_event:
        park(tx, step, result, outputs)
        return []
    skipped = result.skip_targets
    if skipped and not _are_steps(tx, step, skipped):
        return failed(
            tx,
            step.row,
            step.planned,
            error_code=InvalidResult.code,
            message="skip_targets name steps that the pipeline does not have",
            outputs=outputs,
        )
    ending = Ending(step.row, StepStatus.COMPLETED, outputs=outputs, skip_targets=skipped)
    if ends is not None:
        code, words = masker.mask(result.error_code), masker.mask(result.error)
        ending.ends = _early_end(ending, ends, code, words)
    return [ending]


def _early_end(
    ending: Ending, status: ExecutionStatus, code: str | None, message: str | None
) -> EarlyEnd:
    """How the execution of a step ends by its end."""
    outputs = ending.outputs or None
    if status is ExecutionStatus.COMPLETED:
        return EarlyEnd(AbortReason.ENDED, outputs=outputs)
    is_failure = status is ExecutionStatus.FAILED
    reason = AbortReason.FAILED if is_failure else AbortReason.CANCELLED
    error = {"code": code or reason.value, "message": message or abort.MESSAGES[reason]}
    return EarlyEnd(reason, {**error, "step_id": ending.step.step_id}, outputs)


def _are_steps(tx: Transaction, step: Prepared, step_ids: Iterable[str]) -> bool:
    definition = tx.plan(step.row.execution_id).definition
    return all(definition.has_step(step_id) for step_id in step_ids)


def failed(  # noqa: PLR0913 - the facts of a failure
    tx: Transaction,
    row: StepRow,
    planned: PlannedStep | None,
    *,
    error_code: str,
    message: str,
    outputs: dict[str, object] | None = None,
    status: StepStatus = StepStatus.FAILED,
    retryable: bool = True,
    at_least: float | None = None,
    ends: ExecutionStatus | None = None,
) -> list[Ending]:
    """The next attempt if the step may have one, after *at_least* seconds; otherwise its end."""
    tx.failures[row.id] = f"{row.label}: {error_code}"
    if error_code == PermissionDenied.code:
        record_denial(tx, row, planned)
    message = tx.masker_of(row.execution_id).mask(message)
    again = None  # an end of the whole execution is neither tried again nor caught
    if ends is None:
        again = retry_after(tx, row, planned, error_code=error_code, retryable=retryable)
    if again:
        transitions.retry(
            tx.connection,
            row,
            delay=again.wait(at_least=at_least),
            error_code=error_code,
            error_message=message,
            outputs=outputs,
        )
        return []
    plan = tx.plan(row.execution_id)
    ending = Ending(
        row,
        status,
        outputs=outputs,
        error_code=error_code,
        error_message=message,
        tolerated=plan.tolerates_failure(row),
    )
    if ends is not None:
        ending.ends = _early_end(ending, ends, error_code, message)
        return [ending]
    return [caught(tx, ending)]


@dataclass(frozen=True, slots=True)
class Retry:
    """That a step is tried again, and by which policy."""

    policy: RetryConfig
    failures: int  #: that the policy has decided about, this one included
    elapsed: float  #: seconds since the step began

    def wait(self, *, at_least: float | None) -> timedelta:
        """The pause before the next attempt; a new one each time."""
        seconds = retries.delay(
            self.policy, self.failures, random.random, at_least=at_least, elapsed=self.elapsed
        )
        return timedelta(seconds=seconds)


def retry_after(
    tx: Transaction,
    row: StepRow,
    planned: PlannedStep | None,
    *,
    error_code: str,
    retryable: bool = True,
) -> Retry | None:
    """How the step is tried again after this failure of its attempt; None if it is not.

    An action that says ``retryable=False`` is believed.
    """
    if planned is None or not retryable:
        return None
    # A fan-out that has items is not tried again: they have had their retries.
    if row.items_total is not None and not planned.opens:
        return None
    policy = retries.deciding(planned.retry, error_code)
    if policy is None or row.retry_count + 1 >= MAX_ATTEMPTS:
        return None
    # Of one policy all failures are its own; of several the history knows which were whose.
    failures = row.retry_count + 1
    if len(planned.retry) > 1 and row.retry_count:
        before = history.failures_before(tx.connection, row.id)
        failures = retries.failures_of(policy, planned.retry, before) + 1
    if failures >= policy.max_attempts:
        return None
    if policy.max_elapsed_seconds is None:
        return Retry(policy, failures, 0.0)
    elapsed = rows.seconds_since_its_start(tx.connection, row.id)
    return Retry(policy, failures, elapsed) if elapsed < policy.max_elapsed_seconds else None


def timed_out(
    tx: Transaction,
    row: StepRow,
    planned: PlannedStep | None,
    *,
    message: str,
) -> list[Ending]:
    """What follows when the time of an attempt is up."""
    return failed(
        tx,
        row,
        planned,
        error_code=fan_out.TIMEOUT,
        message=message,
        status=StepStatus.TIMEOUT,
    )


# ── Parking ──────────────────────────────────────────────────────────────────────────────


def park(tx: Transaction, step: Prepared, result: ActionResult, outputs: dict[str, object]) -> None:
    """Let the step wait, and hand it what was kept for it."""
    queueing.lock_external_ids(tx.connection, result.awaited)
    parking = Parking(
        external_ids=result.awaited,
        outputs=outputs,
        deadline=_parked_for(tx, step, result),
        wake_after=_wake_after(result),
        is_reminder=result.reminder,
    )
    if not transitions.park(tx.connection, step.row, parking):
        if locking.was_stopped(tx.connection, step.row.id):
            tx.orphaned.add(step.row.id)
        return
    tx.shares_locks = True
    kept = mailbox.correlate(
        tx.connection,
        step.row,
        owner=step.facts.user_id,
        from_peers=result.external_workflow_ids,
        keys=result.event_keys,
    )
    tx.messages.extend(Message(DELIVER, (delivery_id,)) for delivery_id in sorted(kept))


def _parked_for(tx: Transaction, step: Prepared, result: ActionResult) -> timedelta | None:
    limits = [limit for limit in (step.given_seconds, result.timeout_seconds) if limit is not None]
    if limits:
        return timedelta(seconds=min(limits))
    if result.wake_at is not None:
        return None  # the clock ends it
    default = step.planned.meta.timeout_seconds or tx.runtime.settings.parked_timeout_seconds
    return timedelta(seconds=default)


def _wake_after(result: ActionResult) -> timedelta | None:
    if result.wake_at is None:
        return None
    return max(result.wake_at - datetime.now(UTC), timedelta(0))


# ── Fan-outs ─────────────────────────────────────────────────────────────────────────────


def _expanded(tx: Transaction, step: Prepared, found: Expansion) -> list[Ending]:
    """Let the step wait for these items; what keeps them from being stored is its failure."""
    if found.progress is not None:
        transitions.note_progress(tx.connection, step.row, progress=found.progress)
    try:
        fan_out.add(tx, step, found)
    except (PipelineEngineError, ExpressionError) as error:
        return failed(
            tx,
            step.row,
            step.planned,
            error_code=error.code,
            message=str(error),
            retryable=False,
        )
    return []


def expands(row: StepRow, planned: PlannedStep) -> bool:
    """Items run; everything else whose action fans out expands."""
    return row.kind != StepKind.ITEM and planned.fans_out
