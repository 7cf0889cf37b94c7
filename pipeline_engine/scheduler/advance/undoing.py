"""What has to be undone: of an execution that ends badly, or of a block that has failed.

One after the other, the last to end first. What was undone with its block is not undone again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.domain.admission import Admission, answer
from pipeline_engine.domain.definitions import StepDefinition
from pipeline_engine.domain.outcome import compensating, own_id, undone
from pipeline_engine.domain.queues import QueueName
from pipeline_engine.scheduler.plan.plan import Plan
from pipeline_engine.storage import execution_ends
from pipeline_engine.storage.execution_ends import StepEnd
from pipeline_engine.storage.new_steps import NewStep
from pipeline_engine.storage.rows import StepRow
from pipeline_engine.storage.tables.steps import StepKind


@dataclass(frozen=True, slots=True)
class AfterSteps:
    """A row that runs when steps have ended: it undoes one of them, or is a handler."""

    kind: StepKind
    step: StepDefinition
    enclosing: Sequence[int] | None = None  #: of what it undoes
    within: str | None = None


def left_to_undo(connection: Connection, execution_id: UUID, plan: Plan) -> list[AfterSteps]:
    """What an execution has done and not undone yet."""
    wanted = [step.id for step in plan.definition.steps if step.compensate]
    inside = plan.undoable_inside()
    if not (wanted or inside):
        return []
    found = _to_undo(plan, execution_ends.ends_of(connection, execution_id, wanted, inside))
    if all(one.within is None for one in found):
        return found
    return _but(execution_ends.undone_inside(connection, execution_id), found)


def left_in_block(connection: Connection, block: StepRow, plan: Plan) -> list[AfterSteps]:
    """What the attempt of a block that has failed has done and not undone yet."""
    inside = plan.undoable_inside(own_id(block.step_id))
    if not inside:
        return []
    found = _to_undo(plan, execution_ends.ends_below(connection, block.inside, inside))
    return _but(execution_ends.undone_below(connection, block.id), found) if found else []


def _to_undo(plan: Plan, ends: Sequence[StepEnd]) -> list[AfterSteps]:
    return [
        AfterSteps(
            StepKind.COMPENSATION,
            compensating(step, step.compensate, within=end.within),
            end.enclosing,
            end.within,
        )
        for end in ends
        for step in [plan.definition.step(end.step_id)]
        if step.compensate and undone(step.compensate, end.status, end.items)
    ]


def _but(undone_before: Collection[str], found: Sequence[AfterSteps]) -> list[AfterSteps]:
    return [one for one in found if one.step.id not in undone_before]


def chained(
    plan: Plan, rows: Sequence[AfterSteps], ids: Sequence[int], *, after: int
) -> list[NewStep]:
    """The rows of what runs one after the other; each id but the first follows the one before.

    They are numbered from the number *after* on.
    """
    return [
        _chained(plan, one, ids[i : i + 2], after + i + 1, first=i == 0)
        for i, one in enumerate(rows)
    ]


def _chained(
    plan: Plan, one: AfterSteps, ids: Sequence[int], number: int, *, first: bool
) -> NewStep:
    # Without its plug-in it will fail when it runs; here it must not keep the execution open.
    step, planned = one.step, plan.find(one.step)
    cheap = planned is None or planned.cheap
    admitted = answer(window=plan.window_of(one.kind, cheap=cheap))
    return NewStep(
        id=ids[0],
        step_id=step.id,
        name=step.name,
        action=planned.action if planned else step.action,
        kind=one.kind.value,
        sequence_number=number,
        queue=planned.queue if planned else QueueName.FAST.value,
        cheap=cheap,
        weight=0.0,
        dependency_count=0 if first else 1,
        successors=ids[1:],
        queued=first and admitted is Admission.QUEUED,
        enclosing=one.enclosing,
        within=one.within,
    )
