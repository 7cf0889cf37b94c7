"""Let a stopped step stop what it has started."""

from __future__ import annotations

from pipeline_engine.domain.expressions import ExpressionError
from pipeline_engine.domain.outcome import AbortReason
from pipeline_engine.errors import PipelineEngineError
from pipeline_engine.scheduler.actions import calls
from pipeline_engine.scheduler.actions.context import make_context
from pipeline_engine.scheduler.advance import abort, fan_out, outcome
from pipeline_engine.scheduler.advance.advance import advance
from pipeline_engine.scheduler.attempt_api import StepDoor
from pipeline_engine.scheduler.plan.plan import PlannedStep
from pipeline_engine.scheduler.resume.prepare import prepare
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.transaction import Work, insisted, transaction
from pipeline_engine.storage import locking, rows, transitions, trees
from pipeline_engine.storage.moves import Ending
from pipeline_engine.storage.rows import StepRow


def clean_up(runtime: Runtime, step_execution_id: int) -> Work:
    """Let the action of a stopped step stop what it started, then end the step."""
    lease, within = runtime.settings.lease, runtime.settings.clean_up_timeout
    with transaction(runtime) as work:
        claim = transitions.claim_clean_up
        row = claim(work.connection, step_execution_id, lease=lease, within=within)
        if row is None:
            return work
        stored = rows.stored_outputs(work.connection, row.id)
        external_ids = _started(work, row)
        try:
            step = prepare(work, row, lasting=True)
        except (PipelineEngineError, ExpressionError):
            step = None
    if step is None:
        return _end_cleaned(runtime, row, None, None)
    if row.lost_count > runtime.settings.max_lost_attempts:
        died = f"{row.lost_count - 1} workers died before its end"
        return _end_cleaned(runtime, row, step.planned, died)
    context = make_context(runtime, step, door=StepDoor(runtime, step), stored_outputs=stored)
    context.external_workflow_ids = external_ids
    with runtime.leases.held(row):
        note = calls.clean_up(step, context)
    return _end_cleaned(runtime, row, step.planned, step.masker.mask(note))


def _started(work: Work, row: StepRow) -> tuple[str, ...]:
    """What a step was parked on, and executions that it has started and never parked on."""
    known = rows.external_ids(work.connection, row.id)
    children = trees.open_children(work.connection, row.id)
    return tuple(dict.fromkeys([*known, *(f"execution:{child}" for child in children)]))


def _revoked(work: Work, row: StepRow, note: str | None) -> list[Ending]:
    message = rows.error_message(work.connection, row.id) or fan_out.STOPPED[fan_out.REVOKED][1]
    if note:
        message = f"{message}. Clean-up failed: {note}"
    code = fan_out.REVOKED
    return outcome.failed(work, row, None, error_code=code, message=message, retryable=False)


def _end_cleaned(
    runtime: Runtime, row: StepRow, planned: PlannedStep | None, note: str | None
) -> Work:
    def change(work: Work) -> None:
        now = locking.lock_cleaned(work.connection, row)
        if now is not None:
            advance(work, _cleaned(work, now, planned, note))

    return insisted(runtime, change)


def end_late_clean_up(work: Work, row: StepRow) -> None:
    """End a stopped step whose clean-up takes too long; its row is locked already."""
    try:
        planned = work.plan(row.execution_id).step(row)
    except PipelineEngineError:  # the plug-in that the step needs is not installed any more
        planned = None
    note = f"it was not over after {work.runtime.settings.clean_up_timeout_seconds:g} s"
    advance(work, _cleaned(work, row, planned, note))


def _cleaned(
    work: Work, row: StepRow, planned: PlannedStep | None, note: str | None
) -> list[Ending]:
    if row.error_code == fan_out.TIMEOUT:  # and nothing has stopped it for good since
        words = outcome.TOO_SLOW if row.task_id else outcome.NO_EVENT
        message = words + (f". Clean-up failed: {note}" if note else "")
        return outcome.timed_out(work, row, planned, message=message)
    if row.error_code == fan_out.REVOKED:
        return _revoked(work, row, note)
    because = f"Clean-up failed: {note}" if note else abort.MESSAGES[AbortReason.FAILED]
    return abort.aborted([row], because=because)
