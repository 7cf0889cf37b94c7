"""Stop what a step has gone on without: the losers of a race, and what only they need.

Not in the transaction that let the step go on: that one holds the step, while whoever ends a
loser holds the loser and waits for the step.
"""

from __future__ import annotations

from pipeline_engine.domain.readiness import SkipReason
from pipeline_engine.scheduler.advance import abort
from pipeline_engine.scheduler.advance.advance import advance
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.transaction import Transaction, run_surviving_disconnects
from pipeline_engine.storage import races


def cancel_rest(runtime: Runtime, step_execution_id: int) -> Transaction:
    """Stop what is left of the dependencies of a step that has gone on without them."""

    def change(tx: Transaction) -> None:
        row = races.find_marked(tx.connection, step_execution_id)
        if row is None:
            return
        plan = tx.plan(row.execution_id)
        rest = sorted(plan.definition.graph_of(row.step_id).leads_only_to(row.step_id))
        steps = races.lock_rest(tx.connection, row.home, rest)
        makers = [step for step in steps if step.items_open]
        steps += abort.lock_below(tx, makers, plan) if makers else []
        because = f"'{row.step_id}' has gone on without it"
        reason = SkipReason.NOT_NEEDED
        advance(tx, abort.stop(tx, steps, plan, because=because, reason=reason))
        races.unmark(tx.connection, row.id)

    return run_surviving_disconnects(runtime, change)
