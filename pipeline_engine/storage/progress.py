"""How far executions are: computed from the rows of their steps, and never going back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Numeric, Row, Select, and_, case, cast, func, select, update
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from pipeline_engine.domain.progress import Aggregate, StatusGroup, aggregate_groups
from pipeline_engine.domain.states import StepStatus
from pipeline_engine.storage.tables.executions import Execution
from pipeline_engine.storage.tables.steps import StepExecution, StepKind

NOTHING = aggregate_groups(())


def aggregates(
    session: Session, execution_ids: Collection[UUID], *, with_eta: bool = False
) -> Mapping[UUID, Aggregate]:
    """The progress of each execution: one query, and one row for each status.

    The time that is left needs another query, as it depends on what open items wait for.
    """
    groups: dict[UUID, list[StatusGroup]] = {}
    current: dict[UUID, str] = {}
    for row in session.execute(_grouped(execution_ids)):
        groups.setdefault(row.execution_id, []).append(_group(row))
        if row.status == StepStatus.RUNNING:
            current[row.execution_id] = row.names[0]
    if with_eta:
        for row in session.execute(_waits_of_items(execution_ids)):
            groups.setdefault(row.execution_id, []).append(_waiting_items(row))
    found = {
        execution_id: aggregate_groups(its, current_step=current.get(execution_id))
        for execution_id, its in groups.items()
    }
    if with_eta:
        return found
    return {key: replace(aggregate, eta_seconds=None) for key, aggregate in found.items()}


def raise_high_water_mark(session: Session, execution_id: UUID, overall: Decimal) -> None:
    """Raise the stored high-water mark of an execution to *overall*, if that is higher.

    Readers poll: a point of progress or a second has to pass between two writes. A row that is
    being written to is left alone: the next reader will raise it.
    """
    row = Execution.__table__.alias("marked")
    worth_it = (
        select(row.c.id)
        .where(
            row.c.id == execution_id,
            (row.c.progress_percentage <= overall - 1)
            | and_(
                row.c.progress_percentage < overall,
                row.c.updated_at < func.now() - func.make_interval(0, 0, 0, 0, 0, 0, 1),
            ),
        )
        .with_for_update(skip_locked=True, key_share=True)
    )
    session.execute(
        update(Execution)
        .where(Execution.id.in_(worth_it))
        .values(progress_percentage=func.greatest(Execution.progress_percentage, overall))
        .execution_options(synchronize_session=False)
    )


def _grouped(execution_ids: Collection[UUID]) -> Select[*tuple[Any, ...]]:
    step = StepExecution
    timed = and_(step.started_at.is_not(None), step.finished_at.is_not(None))
    weight = cast(step.weight, Numeric)
    seconds = func.extract("epoch", step.finished_at - step.started_at)
    return (
        select(
            step.execution_id,
            step.status,
            func.count().label("steps"),
            func.sum(weight).label("weight"),
            func.sum(weight * _percentage()).label("weighted_percentage"),
            func.coalesce(func.sum(weight).filter(timed), 0).label("timed_weight"),
            func.coalesce(func.sum(seconds).filter(timed), 0).label("seconds"),
            func.count().filter(_waits_for_somebody()).label("waiting"),
            func.max(_wakes_in_seconds()).label("wakes_in_seconds"),
            func.array_agg(aggregate_order_by(step.name, step.sequence_number.desc())).label(
                "names"
            ),
        )
        .where(
            step.execution_id.in_(execution_ids),
            step.parent_id.is_(None),
            step.kind == StepKind.STEP.value,
        )
        .group_by(step.execution_id, step.status)
    )


def _waits_of_items(execution_ids: Collection[UUID]) -> Select[*tuple[Any, ...]]:
    """What items that have begun wait for; those that have not are a matter of the pace."""
    step = StepExecution
    begun = (StepStatus.RUNNING.value, StepStatus.RETRYING.value)
    return (
        select(
            step.execution_id,
            func.count().filter(_waits_for_somebody()).label("waiting"),
            func.max(_wakes_in_seconds()).label("wakes_in_seconds"),
        )
        .where(
            step.execution_id.in_(execution_ids),
            step.parent_id.is_not(None),
            step.status.in_(begun),
        )
        .group_by(step.execution_id)
    )


def _percentage() -> ColumnElement[Decimal]:
    """A fan-out is as far as its items are, whatever it says of itself."""
    step = StepExecution
    of_items = 100 * cast(step.items_total - step.items_open, Numeric) / step.items_total
    return case(
        (step.items_total > 0, func.greatest(step.progress_percentage, of_items)),
        else_=step.progress_percentage,
    )


def _waits_for_somebody() -> ColumnElement[bool]:
    """It is parked without a time to wake, and has neither progress nor an estimate."""
    step = StepExecution
    said_nothing = and_(step.progress_percentage == 0, step.eta_seconds.is_(None))
    return and_(step.awaiting_event, step.due_at.is_(None), said_nothing)


def _wakes_in_seconds() -> ColumnElement[Decimal]:
    """Seconds until the clock wakes it, or until its estimate."""
    step = StepExecution
    due = func.extract("epoch", step.due_at - func.now())
    return func.greatest(due, cast(step.eta_seconds, Numeric))


def _waiting_items(row: Row[*tuple[Any, ...]]) -> StatusGroup:
    """Items are counted by the step that made them; only what they wait for is added to it."""
    return StatusGroup(
        status=StepStatus.RUNNING,
        count=0,
        weight=0,
        waiting=row.waiting,
        wakes_in_seconds=row.wakes_in_seconds,
    )


def _group(row: Row[*tuple[Any, ...]]) -> StatusGroup:
    return StatusGroup(
        status=StepStatus(row.status),
        count=row.steps,
        weight=row.weight,
        weighted_percentage=row.weighted_percentage,
        timed_weight=row.timed_weight,
        seconds=row.seconds,
        waiting=row.waiting,
        wakes_in_seconds=row.wakes_in_seconds,
    )
