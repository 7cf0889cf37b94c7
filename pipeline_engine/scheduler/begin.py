"""An execution begins: its rows are stored, and the steps that wait for nothing are queued."""

from __future__ import annotations

from uuid import UUID

from pipeline_engine.scheduler import window
from pipeline_engine.scheduler.plans import Plan
from pipeline_engine.scheduler.work import Work
from pipeline_engine.storage.new_executions import NewExecution, begin_execution


def begin(work: Work, plan: Plan, execution: NewExecution) -> UUID | None:
    """Store an execution and queue its first steps; None if its idempotency key is taken."""
    begun = begin_execution(work.connection, execution, plan.first_steps)
    if begun is None:
        return None
    blocking = [] if plan.window is None else [row for row in begun.roots if not row.cheap]
    if blocking:
        window.admit(work, begun.id, blocking)
    held_back = {row.id for row in blocking}
    work.ready.extend(row for row in begun.roots if row.id not in held_back)
    return begun.id
