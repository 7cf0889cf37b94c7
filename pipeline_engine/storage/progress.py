"""How far executions are: computed from the rows of their steps, and never going back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Numeric,
    Row,
    Select,
    and_,
    bindparam,
    case,
    cast,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
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

    How far open blocks are needs another query, if there are any, and the time that is left as
    well, as it depends on what open items wait for.
    """
    groups: dict[UUID, list[StatusGroup]] = {}
    current: dict[UUID, str] = {}
    open_parts: list[UUID] = []
    for row in session.execute(_grouped(execution_ids)):
        groups.setdefault(row.execution_id, []).append(_group(row))
        if row.status == StepStatus.RUNNING:
            current[row.execution_id] = row.names[0]
            if row.has_parts:
                open_parts.append(row.execution_id)
    for execution_id, weighted in _of_parts(session, open_parts):
        groups[execution_id].append(_part_of_open(weighted))
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
            func.bool_or(step.items_total.between(1, _MOST_PARTS)).label("has_parts"),
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


#: A block that has not ended counts where it is as far as what it has made: a step in it, or an
#: item with a block of its own, is a part of what it is in. Of what has made more rows than these,
#: the ends alone are progress enough.
_MOST_PARTS = 100
_BELOW = text(f"""
WITH RECURSIVE below AS (
    SELECT execution_id, id, weight::numeric AS share, items_total, 0::numeric AS done
    FROM step_executions
    WHERE execution_id = ANY(:ids) AND status = 'RUNNING' AND parent_id IS NULL AND kind = 'step'
        AND items_total BETWEEN 1 AND {_MOST_PARTS}
    UNION ALL
    SELECT s.execution_id, s.id, b.share / b.items_total, s.items_total, CASE
        WHEN s.items_total > 0 THEN 100.0 * (s.items_total - s.items_open) / s.items_total
        WHEN s.item_index IS NULL THEN s.progress_percentage ELSE 0 END
    FROM below b JOIN step_executions s ON s.parent_id = b.id
    WHERE b.items_total BETWEEN 1 AND {_MOST_PARTS} AND s.status = 'RUNNING'
)
SELECT execution_id, sum(share * done) FROM below GROUP BY 1 HAVING sum(share * done) > 0
""").bindparams(bindparam("ids", type_=ARRAY(PG_UUID(as_uuid=True))))


def _of_parts(session: Session, ids: Sequence[UUID]) -> Iterable[Row[UUID, Decimal]]:
    return session.execute(_BELOW, {"ids": list(ids)}) if ids else ()


def _part_of_open(weighted: Decimal) -> StatusGroup:
    """What open blocks have done of themselves; they are counted already."""
    return StatusGroup(status=StepStatus.RUNNING, count=0, weight=0, weighted_percentage=weighted)


def _percentage() -> ColumnElement[Decimal]:
    """A fan-out is as far as its items are, a block as its steps, whatever it says of itself."""
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
