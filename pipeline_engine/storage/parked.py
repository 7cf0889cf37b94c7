"""Steps that wait for the outside world or for the clock, of every execution in sight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.states import StepStatus
from pipeline_engine.storage import approvals
from pipeline_engine.storage.tables.executions import Execution
from pipeline_engine.storage.tables.pipelines import PipelineRevision
from pipeline_engine.storage.tables.steps import Correlation, StepExecution
from pipeline_engine.storage.visibility import visible_to

#: Prefix of the id by which a step waits for an execution that it has started.
EXECUTION = "execution:"


class ParkedKind(StrEnum):
    """What a parked step waits for."""

    APPROVAL = "approval"  #: people
    EVENT = "event"  #: one that carries an external id
    CALLBACK = "callback"  #: nothing but the address of its own
    EXECUTION = "execution"  #: the end of a pipeline that it has started
    TIMER = "timer"  #: the clock


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedFilter:
    """Which of them are wanted."""

    pipeline_id: UUID | None = None
    kind: ParkedKind | None = None
    step_execution_id: int | None = None


class ParkedRow(NamedTuple):
    """An attempt that is parked, and what is needed to hide the secrets of its outputs."""

    id: int
    execution_id: UUID
    pipeline_id: UUID | None
    pipeline_name: str
    step_id: str
    name: str
    item_index: int | None
    item_key: str | None
    within: str | None
    action: str
    kind: ParkedKind
    since: datetime | None
    until: datetime | None
    attempt: int
    outputs: dict[str, Any] | None  #: of approvals alone
    params: dict[str, Any] | None
    parameters: Any


def _awaits(*more: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether events of the outside can bring the attempt on."""
    waiting = select(Correlation.external_id).where(
        Correlation.step_execution_id == StepExecution.id,
        Correlation.attempt == StepExecution.attempt,
        *more,
    )
    return waiting.exists()


# One that a version without the output `asked` has parked is known by its action.
_IS_APPROVAL = or_(
    func.coalesce(approvals.ASKS, False),
    func.split_part(StepExecution.action, "@", 1) == approvals.ACTION,
)
#: The first that is true; of what an event may bring on, the clock only looks after it.
_kind: ColumnElement[str] = case(
    (_IS_APPROVAL, ParkedKind.APPROVAL.value),
    (_awaits(Correlation.external_id.startswith(EXECUTION)), ParkedKind.EXECUTION.value),
    (_awaits(), ParkedKind.EVENT.value),
    (StepExecution.due_at.is_not(None), ParkedKind.TIMER.value),
    else_=ParkedKind.CALLBACK.value,
)
_COLUMNS = (
    StepExecution.id,
    StepExecution.execution_id,
    Execution.pipeline_id,
    Execution.name,
    StepExecution.step_id,
    StepExecution.name,
    StepExecution.item_index,
    StepExecution.item_key,
    StepExecution.within,
    StepExecution.action,
    _kind,
    StepExecution.started_at,
    case((_kind == ParkedKind.TIMER.value, StepExecution.due_at), else_=StepExecution.deadline_at),
    StepExecution.attempt,
    case((_IS_APPROVAL, StepExecution.outputs)),
    case((_IS_APPROVAL, Execution.params)),
    case((_IS_APPROVAL, PipelineRevision.document["parameters"])),
)


def parked(
    session: Session, caller: Caller, wanted: ParkedFilter, *, limit: int, offset: int
) -> tuple[Sequence[ParkedRow], int]:
    """Some of those that *caller* may know of, the oldest first, and how many there are."""
    conditions = _conditions(caller, wanted)
    counted = select(func.count()).select_from(StepExecution).join(Execution).where(*conditions)
    in_order = (StepExecution.started_at, StepExecution.id)
    # What a step waits for is looked up for those of the page, and not for all before sorting.
    page = (
        select(StepExecution.id)
        .join(Execution)
        .where(*conditions)
        .order_by(*in_order)
        .limit(limit)
        .offset(offset)
    )
    rows = session.execute(
        select(*_COLUMNS)
        .join(Execution, Execution.id == StepExecution.execution_id)
        .join(PipelineRevision, PipelineRevision.id == Execution.revision_id)
        .where(StepExecution.id.in_(page))
        .order_by(*in_order)
    )
    return [ParkedRow(*row) for row in rows], session.scalar(counted) or 0


def _conditions(caller: Caller, wanted: ParkedFilter) -> Sequence[ColumnElement[bool]]:
    found = [
        StepExecution.status == StepStatus.RUNNING,
        # By the index of deadlines: each parked step has one.
        and_(StepExecution.deadline_at.is_not(None), StepExecution.awaiting_event),
        visible_to(Execution, caller),
    ]
    if wanted.pipeline_id is not None:
        found.append(Execution.pipeline_id == wanted.pipeline_id)
    if wanted.kind is not None:
        found.append(_kind == wanted.kind.value)
    if wanted.step_execution_id is not None:
        found.append(StepExecution.id == wanted.step_execution_id)
    return found
