"""``max_parallel_steps``: how many steps of an execution may be on their way at once.

Only steps that do outside work are counted; a cheap step is over before it could be in
anybody's way. A pipeline that cannot exceed its window is never asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from pipeline_engine.scheduler.transaction import Work
from pipeline_engine.storage import queueing
from pipeline_engine.storage.rows import StepRow


def admit(work: Work, execution_id: UUID, newly_ready: Sequence[StepRow]) -> None:
    """Queue ready steps for as long as there is room; the others are held."""
    limit = work.plan(execution_id).window
    if limit is None:
        queueing.mark_queued(work.connection, [row.id for row in newly_ready])
        work.ready.extend(newly_ready)
        return
    queueing.mark_held(work.connection, [row.id for row in newly_ready])
    work.ready.extend(queueing.admit_held(work.connection, execution_id, window=limit))
