"""The steps of an execution, the items of a fan-out, and the steps inside of a block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    Row,
    Select,
    SQLColumnExpression,
    and_,
    cast,
    func,
    literal,
    select,
)
from sqlalchemy.orm import Session, aliased

from pipeline_engine.domain import paths
from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.redaction import Redactor
from pipeline_engine.domain.scopes import Scope
from pipeline_engine.domain.states import StepStatus
from pipeline_engine.errors import PipelineEngineError, StepNotFound
from pipeline_engine.scheduler.actions.callback_tokens import CallbackToken, callback_url
from pipeline_engine.scheduler.actions.own_address import checks_events
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services.pages import Listed, Page
from pipeline_engine.services.queries.items import (
    COUNTERS,
    ItemCounts,
    ItemFilter,
    counts_of,
)
from pipeline_engine.services.visibility import redactor_of
from pipeline_engine.storage.approvals import asks_people
from pipeline_engine.storage.items import RowsBelow, rows_below
from pipeline_engine.storage.tables.steps import StepExecution, StepKind

#: What has not begun, or is to begin once more: a step stands in line before it does.
IN_LINE = frozenset({StepStatus.PENDING, StepStatus.RETRYING})
ALL = ItemFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """One step execution; ``outputs`` may be left out."""

    id: int
    execution_id: UUID
    lock_version: int
    kind: str
    step_id: str
    name: str
    action: str
    status: str
    sequence_number: int
    started_at: datetime | None
    finished_at: datetime | None
    progress_percentage: Decimal
    eta_seconds: int | None
    outputs: dict[str, Any] | None
    error_code: str | None
    error_message: str | None
    skip_reason: str | None
    attempt: int
    retry_count: int
    awaiting_event: bool
    in_line: bool
    external_workflow_id: str | None
    deadline_at: datetime | None
    due_at: datetime | None
    parent_id: int | None
    item_index: int | None
    item_key: str | None
    within: str | None
    holds_steps: bool  #: it is a block, and was opened
    items: ItemCounts | None
    created_at: datetime
    updated_at: datetime

    @property
    def parked(self) -> bool:
        """It waits for the outside world and holds no worker."""
        return self.awaiting_event

    @property
    def waits_for_place(self) -> bool:
        """It stands in line for a place of its concurrency key."""
        return self.in_line and self.status in IN_LINE

    @property
    def inside(self) -> str | None:
        """Where the steps are of the attempt that a block is at."""
        if not self.holds_steps:
            return None
        attempt = self.retry_count + 1
        return paths.inside(self.step_id, self.item_index, self.within, attempt=attempt)


COLUMNS = tuple(
    getattr(StepExecution, name)
    for name in (*(field.name for field in fields(StepRecord)), *COUNTERS)
    if name not in {"items", "outputs", "holds_steps"}
)


def steps(
    caller: Caller,
    session: Session,
    execution_id: UUID,
    *,
    wanted: ItemFilter = ALL,
    with_outputs: bool = True,
) -> list[StepRecord]:
    """The steps of the definition, with handlers and compensations, in their order.

    A fan-out is one entry with counters, however many items it has, and so is a block.
    """
    redactor = redactor_of(caller, session, execution_id)
    rows = session.execute(
        _selected(with_outputs)
        .where(
            StepExecution.execution_id == execution_id,
            StepExecution.parent_id.is_(None),
            StepExecution.kind != StepKind.SINK.value,
            *wanted.conditions(),
        )
        .order_by(StepExecution.sequence_number, StepExecution.id)
    ).all()
    return _records(session, rows, redactor)


def step(
    caller: Caller, session: Session, execution_id: UUID, step_execution_id: int
) -> StepRecord:
    """One step or item. Raises ``ExecutionNotFound`` and ``StepNotFound``."""
    redactor = redactor_of(caller, session, execution_id)
    rows = session.execute(
        _selected(with_outputs=True).where(
            StepExecution.id == step_execution_id,
            StepExecution.execution_id == execution_id,
            StepExecution.kind != StepKind.SINK.value,
        )
    ).all()
    if not rows:
        message = f"Execution {execution_id} has no step {step_execution_id}"
        raise StepNotFound(message, step_execution_id=str(step_execution_id))
    return _records(session, rows, redactor)[0]


def below(
    caller: Caller,
    session: Session,
    execution_id: UUID,
    *,
    parent_id: int,
    page: Page,
    within: str | None = None,
    wanted: ItemFilter = ALL,
    with_outputs: bool = True,
) -> Listed[StepRecord]:
    """One page of the items of the fan-out *parent_id*, or of the steps of the block.

    In their order: of a block attempt by attempt, and then what undoes it; *within* says which.
    """
    redactor = redactor_of(caller, session, execution_id)
    # The execution is a condition, too: the parent may belong to another one.
    conditions: list[ColumnElement[bool]] = [
        StepExecution.parent_id == parent_id,
        StepExecution.execution_id == execution_id,
        *wanted.conditions(),
    ]
    if within is not None:
        conditions.append(func.starts_with(StepExecution.within + "/", f"{within}/"))
    total = session.scalar(select(func.count()).select_from(StepExecution).where(*conditions)) or 0
    rows = session.execute(
        _selected(with_outputs)
        .where(*conditions)
        .order_by(StepExecution.item_index, *_order_inside(session, parent_id))
        .limit(page.size)
        .offset(page.offset)
    ).all()
    return Listed(_records(session, rows, redactor), total, page)


def _order_inside(session: Session, parent_id: int) -> tuple[SQLColumnExpression[Any], ...]:
    """The order of what has no number of an item: that of the attempts of a block first."""
    row = StepExecution
    enclosing = session.scalar(select(row.enclosing).where(row.id == parent_id)) or ()
    label = func.split_part(row.within, "/", len(enclosing) + 1)
    attempt = cast(func.substring(label, "#([0-9]+)$"), Integer)
    return (
        func.coalesce(attempt, 1),
        row.kind == StepKind.COMPENSATION.value,
        row.sequence_number,
        row.id,
    )


def _selected(with_outputs: bool) -> Select[*tuple[Any, ...]]:
    outputs = StepExecution.outputs if with_outputs else literal(None)
    inner = aliased(StepExecution)
    holds_steps = (
        select(inner.id)
        .where(inner.parent_id == StepExecution.id, inner.item_index.is_(None))
        .exists()
    )
    opened = and_(StepExecution.items_total.is_not(None), holds_steps)
    return select(*COLUMNS, outputs.label("outputs"), opened.label("holds_steps"))


def _records(
    session: Session, rows: Sequence[Row[*tuple[Any, ...]]], redactor: Redactor
) -> list[StepRecord]:
    made = rows_below(session, [row.id for row in rows if row.items_total is not None])
    return [_record(row, redactor, made.get(row.id, ())) for row in rows]


def _record(
    row: Row[*tuple[Any, ...]], redactor: Redactor, made: Sequence[RowsBelow]
) -> StepRecord:
    found = dict(row._mapping)
    counters = [found.pop(name) for name in COUNTERS]
    shown = {
        "outputs": redactor.redact(found["outputs"]),
        "error_message": redactor.redact(found["error_message"]),
    }
    record = StepRecord(**found | shown, items=None)
    return replace(record, items=counts_of(counters, record.inside, made))


def callback_url_of(caller: Caller, runtime: Runtime, step: StepRecord) -> str | None:
    """Where the attempt that is parked now is answered; None if none is.

    It is a key that asks nobody who he is, so only those are told who may answer anyway; and by
    it one could approve in the name of another, of whom a service alone is believed.
    """
    if not step.parked or not caller.may(Scope.EXECUTIONS_CONTROL):
        return None
    if asks_people(step.action, step.outputs) and not caller.is_service:
        return None
    left = timedelta(seconds=runtime.settings.parked_timeout_seconds)
    if step.deadline_at is not None:
        left = max(step.deadline_at - datetime.now(UTC), timedelta(0))
    token = CallbackToken(step.id, step.attempt, is_checked=_is_checked(runtime, step.action))
    return callback_url(runtime.settings, token, valid_for=left)


def _is_checked(runtime: Runtime, action: str) -> bool:
    """Whether an answer is looked at first: if any version of the action may want that."""
    versions = runtime.registry.versions(action)
    if not versions:  # it is data, or not installed here: whoever looks at an answer will know
        return True
    try:
        return any(checks_events(one.executor) for one in versions)
    except PipelineEngineError:  # it cannot be made here
        return False
