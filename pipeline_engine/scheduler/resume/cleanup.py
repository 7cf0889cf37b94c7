"""Let a stopped step stop what it has started."""

from __future__ import annotations

from pipeline_engine.domain.concurrency import SUPERSEDED
from pipeline_engine.domain.expressions import ExpressionError
from pipeline_engine.domain.outcome import AbortReason
from pipeline_engine.domain.readiness import SkipReason
from pipeline_engine.errors import PipelineEngineError
from pipeline_engine.scheduler.actions import calls
from pipeline_engine.scheduler.advance import abort, fan_out, outcome
from pipeline_engine.scheduler.advance.advance import advance
from pipeline_engine.scheduler.attempt_api import context_for, store_lines
from pipeline_engine.scheduler.plan.planned_step import PlannedStep
from pipeline_engine.scheduler.resume.prepare import prepare
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.transaction import (
    Transaction,
    run_surviving_disconnects,
    transaction,
)
from pipeline_engine.storage import locking, rows, transitions, trees
from pipeline_engine.storage.moves import Ending
from pipeline_engine.storage.rows import StepRow


def clean_up(runtime: Runtime, step_execution_id: int) -> Transaction:
    """Let the action of a stopped step stop what it started, then end the step."""
    lease, within = runtime.settings.lease, runtime.settings.clean_up_timeout
    with transaction(runtime) as tx:
        claim = transitions.claim_clean_up
        row = claim(tx.connection, step_execution_id, lease=lease, within=within)
        if row is None:
            return tx
        stored = rows.stored_outputs(tx.connection, row.id)
        external_ids = _started(tx, row)
        try:
            step = prepare(tx, row, lasting=True, lenient=True)
        except (PipelineEngineError, ExpressionError):
            step = None
    if step is None:
        return _end_cleaned(runtime, row, None, None)
    if row.lost_count > runtime.settings.max_lost_attempts:
        died = f"{row.lost_count - 1} workers died before its end"
        return _end_cleaned(runtime, row, step.planned, died)
    context = context_for(runtime, step, stored_outputs=stored)
    context.external_workflow_ids = external_ids
    with runtime.leases.held(row):
        note = calls.clean_up(step, context)
        store_lines(runtime, context)
    return _end_cleaned(runtime, row, step.planned, step.masker.mask(note))


def _started(tx: Transaction, row: StepRow) -> tuple[str, ...]:
    """What a step was parked on, and executions that it has started and never parked on."""
    known = rows.external_ids(tx.connection, row.id)
    children = trees.open_children(tx.connection, row.id)
    return tuple(dict.fromkeys([*known, *(f"execution:{child}" for child in children)]))


def _revoked(tx: Transaction, row: StepRow, note: str | None) -> list[Ending]:
    code = row.error_code or fan_out.REVOKED
    message = rows.error_message(tx.connection, row.id) or fan_out.STOPPED[code][1]
    if note:
        message = f"{message}. Clean-up failed: {note}"
    return outcome.failed(tx, row, None, error_code=code, message=message, retryable=False)


def _end_cleaned(
    runtime: Runtime, row: StepRow, planned: PlannedStep | None, note: str | None
) -> Transaction:
    def change(tx: Transaction) -> None:
        now = locking.lock_cleaned(tx.connection, row)
        if now is not None:
            advance(tx, _cleaned(tx, now, planned, note))

    return run_surviving_disconnects(runtime, change)


def end_late_clean_up(tx: Transaction, row: StepRow) -> None:
    """End a stopped step whose clean-up takes too long; its row is locked already."""
    try:
        planned = tx.plan(row.execution_id).step(row)
    except PipelineEngineError:  # the plug-in that the step needs is not installed any more
        planned = None
    note = f"it was not over after {tx.runtime.settings.clean_up_timeout_seconds:g} s"
    advance(tx, _cleaned(tx, row, planned, note))


def _cleaned(
    tx: Transaction, row: StepRow, planned: PlannedStep | None, note: str | None
) -> list[Ending]:
    if row.error_code == fan_out.TIMEOUT:  # and nothing has stopped it for good since
        words = outcome.TOO_SLOW if row.task_id else outcome.NO_EVENT
        message = words + (f". Clean-up failed: {note}" if note else "")
        return outcome.timed_out(tx, row, planned, message=message)
    if row.error_code in {fan_out.REVOKED, SUPERSEDED}:
        return _revoked(tx, row, note)
    if row.error_code == SkipReason.NOT_NEEDED:
        because = rows.error_message(tx.connection, row.id) or fan_out.NOT_NEEDED
        because += f". Clean-up failed: {note}" if note else ""
        return abort.stopped([row], because=because, reason=SkipReason.NOT_NEEDED)
    because = f"Clean-up failed: {note}" if note else abort.MESSAGES[AbortReason.FAILED]
    return abort.stopped([row], because=because)
