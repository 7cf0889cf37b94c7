"""What becomes of steps that are ready: queued, or held until there is a place for them.

``domain/admission.py`` says which, of new rows, too. A place is taken by steps that do outside
work only; a cheap step is over before it could be in anybody's way.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from pipeline_engine.domain.admission import Admission, answer
from pipeline_engine.scheduler.plan.plan import Plan
from pipeline_engine.scheduler.transaction import Transaction
from pipeline_engine.storage import admission as storage
from pipeline_engine.storage.rows import StepRow


def admit(tx: Transaction, ready: Iterable[StepRow], *, freed: Iterable[UUID] = ()) -> None:
    """Queue steps that have become ready as far as there is room; the others are held.

    In the windows of the executions *freed* a place has become free, which goes to the first that
    is held. Items have a window of their own, see ``admit_items``.
    """
    held: dict[UUID, list[int]] = {execution_id: [] for execution_id in freed}
    queued: list[StepRow] = []
    for row in ready:
        if of(tx.plan(row.execution_id), row).is_held:
            held.setdefault(row.execution_id, []).append(row.id)
        else:
            queued.append(row)
    # A cheap step is queued when its last dependency is counted; an eager rule was faster.
    storage.queue(tx.connection, [row.id for row in queued if row.remaining or not row.cheap])
    tx.ready.extend(queued)
    for execution_id in sorted(held):  # or two transactions could wait for each other's windows
        window = tx.plan(execution_id).window
        if window is not None:
            storage.hold(tx.connection, held[execution_id])
            tx.ready.extend(storage.let_in(tx.connection, execution_id, window=window))


def of(plan: Plan, row: StepRow) -> Admission:
    """Whether a step that is no item is queued as soon as it is ready."""
    return answer(window=plan.window_of(row.kind, cheap=row.cheap))


def admit_items(tx: Transaction, fan_out: StepRow, places: int) -> None:
    """Give places of a fan-out that have become free to its held items."""
    tx.ready.extend(
        storage.let_items_in(tx.connection, fan_out.execution_id, fan_out.id, places=places)
    )
