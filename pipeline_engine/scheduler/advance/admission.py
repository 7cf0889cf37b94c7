"""``max_parallel_steps``: how many steps of an execution may be on their way at once.

Only steps that do outside work are counted; a cheap step is over before it could be in
anybody's way. A pipeline that cannot exceed its window is never asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from pipeline_engine.scheduler.transaction import Transaction
from pipeline_engine.storage import queueing
from pipeline_engine.storage.rows import StepRow


def admit(tx: Transaction, execution_id: UUID, newly_ready: Sequence[StepRow]) -> None:
    """Queue ready steps for as long as there is room; the others are held."""
    limit = tx.plan(execution_id).window
    if limit is None:
        queueing.mark_queued(tx.connection, [row.id for row in newly_ready])
        tx.ready.extend(newly_ready)
        return
    queueing.mark_held(tx.connection, [row.id for row in newly_ready])
    tx.ready.extend(queueing.admit_held(tx.connection, execution_id, window=limit))
