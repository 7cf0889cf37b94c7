"""How the last executions of a pipeline went, and how long they and their steps took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Float, Subquery, cast, func, select
from sqlalchemy.orm import Session

from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.states import FINAL_EXECUTION_STATUSES, ExecutionStatus, StepStatus
from pipeline_engine.services.stored_pipelines import seen
from pipeline_engine.storage.tables.executions import Execution
from pipeline_engine.storage.tables.steps import StepExecution, StepKind
from pipeline_engine.storage.visibility import visible_to

FAILED_STEP = (StepStatus.FAILED, StepStatus.TIMEOUT)


@dataclass(frozen=True, slots=True)
class ExecutionFigures:
    """How executions ended; the seconds are those of the completed ones, null without any."""

    looked_at: int
    completed: int
    failed: int
    interrupted: int
    p50_seconds: float | None
    p95_seconds: float | None


@dataclass(frozen=True, slots=True)
class StepFigures:
    """How often a step was started in them, and how long it took when it completed."""

    step_id: str
    runs: int
    failed: int
    p50_seconds: float | None
    p95_seconds: float | None


@dataclass(frozen=True, slots=True)
class Statistics:
    """How the last executions of a pipeline went."""

    pipeline_id: UUID
    executions: ExecutionFigures
    steps: Sequence[StepFigures]  #: in their order


def statistics(
    caller: Caller, session: Session, pipeline_id: UUID | str, *, most: int
) -> Statistics:
    """Of the newest executions that have ended, *most* of them. Raises ``PipelineNotFound``."""
    wanted = seen(caller, session, pipeline_id)
    ended = (
        select(Execution.id, Execution.status, _seconds(Execution).label("seconds"))
        .where(
            Execution.pipeline_id == wanted,
            Execution.status.in_(FINAL_EXECUTION_STATUSES),
            visible_to(Execution, caller),
        )
        .order_by(Execution.created_at.desc(), Execution.id.desc())
        .limit(most)
        .subquery("ended")
    )
    return Statistics(wanted, _of_executions(session, ended), _of_steps(session, ended))


def _of_executions(session: Session, ended: Subquery) -> ExecutionFigures:
    its = ended.c
    words = (ExecutionStatus.COMPLETED, ExecutionStatus.FAILED, ExecutionStatus.INTERRUPTED)
    figures: Sequence[Any] = session.execute(
        select(
            func.count(),
            *(func.count().filter(its.status == word) for word in words),
            *_percentiles(its.seconds, its.status == ExecutionStatus.COMPLETED),
        ).select_from(ended)
    ).one()
    return ExecutionFigures(*figures)


def _of_steps(session: Session, ended: Subquery) -> Sequence[StepFigures]:
    """Fan-outs and blocks are one step each."""
    row = StepExecution
    rows = session.execute(
        select(
            row.step_id,
            func.count(),
            func.count().filter(row.status.in_(FAILED_STEP)),
            *_percentiles(_seconds(row), row.status == StepStatus.COMPLETED),
        )
        .join(ended, ended.c.id == row.execution_id)
        .where(
            row.parent_id.is_(None),
            row.kind != StepKind.SINK.value,
            row.started_at.is_not(None),
        )
        .group_by(row.step_id)
        .order_by(func.min(row.sequence_number), row.step_id)
    )
    return [StepFigures(*figures) for figures in rows]


def _seconds(row: type[Execution] | type[StepExecution]) -> ColumnElement[Any]:
    return cast(func.extract("epoch", row.finished_at - row.started_at), Float)


def _percentiles(
    seconds: ColumnElement[Any], counted: ColumnElement[bool]
) -> tuple[ColumnElement[Any], ...]:
    return tuple(
        func.percentile_cont(share).within_group(seconds).filter(counted) for share in (0.5, 0.95)
    )
