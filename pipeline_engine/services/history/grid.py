"""Executions of a pipeline beside each other, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from pipeline_engine.domain.callers import Caller
from pipeline_engine.services.pages import Listed, Page
from pipeline_engine.services.stored_pipelines import seen
from pipeline_engine.storage.tables.executions import Execution
from pipeline_engine.storage.tables.pipelines import PipelineRevision
from pipeline_engine.storage.tables.steps import StepExecution, StepKind
from pipeline_engine.storage.visibility import visible_to

CELL = (
    StepExecution.id,
    StepExecution.status,
    StepExecution.awaiting_event,
    StepExecution.attempt,
    StepExecution.started_at,
    StepExecution.finished_at,
    StepExecution.items_total,
    StepExecution.items_open,
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One step of one execution."""

    id: int
    status: str
    parked: bool
    attempt: int
    started_at: datetime | None
    ended_at: datetime | None
    items_total: int | None
    items_open: int | None


@dataclass(frozen=True, slots=True)
class GridExecution:
    """One execution, with a cell for each step that it has."""

    execution_id: UUID
    status: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    revision: int
    cells: Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class GridStep:
    """A step, under the name that the newest of the executions gives it."""

    step_id: str
    name: str
    revisions: Sequence[int]  #: those of the executions shown that have it


@dataclass(frozen=True, slots=True)
class Grid:
    """Executions, newest first, and the steps of all of them in the order of the newest."""

    steps: Sequence[GridStep]
    page: Listed[GridExecution]


def grid(caller: Caller, session: Session, pipeline_id: UUID | str, page: Page) -> Grid:
    """One page of executions with their steps: four queries. Raises ``PipelineNotFound``."""
    its = (
        Execution.pipeline_id == seen(caller, session, pipeline_id),
        visible_to(Execution, caller),
    )
    total = session.scalar(select(func.count()).select_from(Execution).where(*its)) or 0
    executions = session.execute(
        select(
            Execution.id,
            Execution.status,
            Execution.created_at,
            Execution.started_at,
            Execution.finished_at,
            PipelineRevision.revision,
        )
        .join(PipelineRevision, PipelineRevision.id == Execution.revision_id)
        .where(*its)
        .order_by(Execution.created_at.desc(), Execution.id.desc())
        .limit(page.size)
        .offset(page.offset)
    ).all()
    rows = _rows(session, [row.id for row in executions])
    shown = [GridExecution(*row, _cells(rows[row.id])) for row in executions]
    return Grid(_steps(shown, rows), Listed(shown, total, page))


Rows = Mapping[UUID, Sequence[Row[*tuple[Any, ...]]]]


def _rows(session: Session, ids: Sequence[UUID]) -> Rows:
    """The steps of each of these executions in their order; a fan-out or a block is one."""
    step = StepExecution
    found: dict[UUID, list[Row[*tuple[Any, ...]]]] = {one: [] for one in ids}
    selected = (
        select(step.execution_id, step.step_id, step.name, *CELL)
        .where(
            step.execution_id.in_(ids),
            step.parent_id.is_(None),
            step.kind != StepKind.SINK.value,
        )
        .order_by(step.execution_id, step.sequence_number, step.id)
    )
    for row in session.execute(selected):
        found[row.execution_id].append(row)
    return found


def _cells(rows: Sequence[Row[*tuple[Any, ...]]]) -> Mapping[str, Cell]:
    return {step_id: Cell(*cell) for _, step_id, _, *cell in rows}


def _steps(executions: Sequence[GridExecution], rows: Rows) -> Sequence[GridStep]:
    names: dict[str, str] = {}
    revisions: dict[str, set[int]] = {}
    for execution in executions:
        for row in rows[execution.execution_id]:
            names.setdefault(row.step_id, row.name)
            revisions.setdefault(row.step_id, set()).add(execution.revision)
    return [GridStep(step, name, sorted(revisions[step])) for step, name in names.items()]
