"""Wake a parked step whose time has come."""

from __future__ import annotations

from pipeline_engine.domain.expressions import ExpressionError
from pipeline_engine.scheduler.actions import calls
from pipeline_engine.scheduler.actions.context import make_context
from pipeline_engine.scheduler.advance import outcome
from pipeline_engine.scheduler.advance.advance import advance
from pipeline_engine.scheduler.attempt_api import StepDoor
from pipeline_engine.scheduler.resume.prepare import prepare
from pipeline_engine.scheduler.transaction import Work
from pipeline_engine.storage import rows
from pipeline_engine.storage.rows import StepRow


def wake(work: Work, row: StepRow) -> None:
    """End a parked step whose ``wake_at`` is reached; its row is locked already."""
    try:
        step = prepare(work, row)
    except ExpressionError as error:
        # They could be rendered when it began: now they took longer than they may.
        code, message = error.code, str(error)
        advance(
            work,
            outcome.failed(work, row, None, error_code=code, message=message, retryable=False),
        )
        return
    stored = rows.stored_outputs(work.connection, row.id)
    door = StepDoor(work.runtime, step, work)
    context = make_context(work.runtime, step, door=door, stored_outputs=stored)
    advance(work, outcome.settle(work, step, calls.wake(step, context)))
