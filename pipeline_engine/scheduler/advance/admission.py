"""What becomes of steps that are ready: queued, or held until there is a place for them.

``domain/admission.py`` says which, of new rows, too. A place is taken by steps that do outside
work only; a cheap step is over before it could be in anybody's way.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass
from uuid import UUID

from pipeline_engine.domain.admission import Admission, answer
from pipeline_engine.scheduler.plan.plan import Plan
from pipeline_engine.scheduler.transaction import Transaction
from pipeline_engine.storage import admission as storage
from pipeline_engine.storage.rows import StepRow
from pipeline_engine.storage.tables.steps import StepKind


@dataclass(frozen=True, slots=True)
class Asked:
    """The executions of which is known whether their steps need places, before any is ready."""

    windowed: Set[UUID] = frozenset()
    unlimited: Set[UUID] = frozenset()

    @classmethod
    def about(cls, tx: Transaction, ended: Iterable[StepRow]) -> Asked:
        """Ask for those in which a blocking step has ended: another one may well stand behind it.

        The answer needs all steps of a pipeline, and of a wide one of cheap steps a worker may see
        no more than its share.
        """
        asked = {row.execution_id for row in ended if not row.cheap and row.kind == StepKind.STEP}
        windowed = {one for one in asked if tx.plan(one).window is not None}
        return cls(windowed, asked - windowed)

    def has_answered(self, row: StepRow) -> bool:
        """Whether the statement that counted its last dependency has queued or held a step.

        Steps without dependencies were not counted, and an eager rule is faster than the last.
        """
        needs_none = row.cheap or row.kind != StepKind.STEP or row.is_repeated
        known = needs_none or row.execution_id in self.windowed | self.unlimited
        return known and row.dependency_count > 0 and row.remaining == 0


NOT_ASKED = Asked()


def admit(
    tx: Transaction,
    ready: Iterable[StepRow],
    *,
    freed: Iterable[UUID] = (),
    asked: Asked = NOT_ASKED,
) -> None:
    """Queue steps that have become ready as far as there is room; the others are held.

    In the windows of the executions *freed* a place has become free, which goes to the first that
    is held. Items have a window of their own, see ``admit_items``.
    """
    windows = set(freed)
    queued: list[StepRow] = []
    held: list[int] = []
    for row in ready:
        if of(tx.plan(row.execution_id), row).is_held:
            windows.add(row.execution_id)
            held += [] if asked.has_answered(row) else [row.id]
        else:
            queued.append(row)
    storage.queue(tx.connection, [row.id for row in queued if not asked.has_answered(row)])
    storage.hold(tx.connection, held)
    tx.ready.extend(queued)
    for execution_id in sorted(windows):  # or two transactions could wait for each other's windows
        window = tx.plan(execution_id).window
        if window is not None:
            tx.ready.extend(storage.let_in(tx.connection, execution_id, window=window))


def of(plan: Plan, row: StepRow) -> Admission:
    """Whether a step that is no item is queued as soon as it is ready."""
    window = plan.window_of(row.kind, cheap=row.cheap, is_repeated=row.is_repeated)
    return answer(window=window)


def admit_items(tx: Transaction, fan_out: StepRow, places: int) -> None:
    """Give places of a fan-out that have become free to its held items."""
    tx.ready.extend(
        storage.let_items_in(tx.connection, fan_out.execution_id, fan_out.id, places=places)
    )
