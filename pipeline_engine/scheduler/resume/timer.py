"""Wake a parked step whose time has come."""

from __future__ import annotations

from pipeline_engine.domain.expressions import ExpressionError
from pipeline_engine.scheduler.actions import calls
from pipeline_engine.scheduler.advance import outcome
from pipeline_engine.scheduler.advance.advance import advance
from pipeline_engine.scheduler.attempt_api import context_for
from pipeline_engine.scheduler.resume.prepare import prepare
from pipeline_engine.scheduler.transaction import Transaction
from pipeline_engine.storage import rows
from pipeline_engine.storage.rows import StepRow


def wake(tx: Transaction, row: StepRow) -> None:
    """End a parked step whose ``wake_at`` is reached; its row is locked already."""
    try:
        step = prepare(tx, row)
    except ExpressionError as error:
        # They could be rendered when it began: now they took longer than they may.
        code, message = error.code, str(error)
        advance(
            tx,
            outcome.failed(tx, row, None, error_code=code, message=message, retryable=False),
        )
        return
    stored = rows.stored_outputs(tx.connection, row.id)
    context = context_for(tx.runtime, step, tx, stored_outputs=stored)
    advance(tx, outcome.decide(tx, step, calls.wake(step, context)))
