"""Join a fan-out whose items have all ended."""

from __future__ import annotations

from pipeline_engine.domain.expressions import ExpressionError
from pipeline_engine.errors import PipelineEngineError
from pipeline_engine.failpoints import Failpoint, failpoint
from pipeline_engine.scheduler import last_net
from pipeline_engine.scheduler.actions import fan_outs
from pipeline_engine.scheduler.actions.item_results import ItemResults
from pipeline_engine.scheduler.advance import blocks, fan_out, outcome
from pipeline_engine.scheduler.advance.advance import advance
from pipeline_engine.scheduler.attempt_api import context_for
from pipeline_engine.scheduler.resume.prepare import prepare
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.transaction import Transaction
from pipeline_engine.storage import locking
from pipeline_engine.storage.moves import Ending
from pipeline_engine.storage.rows import StepRow


def join(runtime: Runtime, parent_id: int) -> Transaction:
    """Join a fan-out if every item has ended."""

    def change(tx: Transaction) -> None:
        failpoint(Failpoint.BEFORE_JOIN)
        row = locking.lock_joinable(tx.connection, parent_id)
        if row is not None:
            advance(tx, _joined(tx, row))

    return last_net.watched(runtime, parent_id, locking.lock_joinable, change)


def _joined(tx: Transaction, row: StepRow) -> list[Ending]:
    if tx.plan(row.execution_id).opens(row):
        return blocks.conclude(tx, [row], ())
    if row.cancelling:
        return [fan_out.outcome_of_stopped(tx, row)]
    try:
        step = prepare(tx, row)
    except (PipelineEngineError, ExpressionError) as error:
        return outcome.failed(
            tx, row, None, error_code=error.code, message=str(error), retryable=False
        )
    context = context_for(tx.runtime, step, tx)
    results = ItemResults(tx.connection, step)
    return outcome.decide(tx, step, fan_outs.join(step, context, results))
