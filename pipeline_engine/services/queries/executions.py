"""Executions as their owners see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, exists, func, select
from sqlalchemy.orm import Session

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.progress import Aggregate, never_less
from pipeline_engine.domain.redaction import Redactor, redactor_for
from pipeline_engine.domain.states import ExecutionStatus
from pipeline_engine.scheduler.start import Started
from pipeline_engine.services.pages import Listed, Page
from pipeline_engine.services.queries.wanted_executions import ExecutionFilter, conditions_of
from pipeline_engine.services.visibility import not_found
from pipeline_engine.storage.progress import NOTHING, aggregates, raise_high_water_mark
from pipeline_engine.storage.tables.executions import Execution
from pipeline_engine.storage.tables.pipelines import PipelineRevision
from pipeline_engine.storage.tables.places import ConcurrencyPlace
from pipeline_engine.storage.visibility import visible_to

EXECUTION_STATUSES: tuple[str, ...] = tuple(ExecutionStatus)
#: Id of the pipeline of an execution without a stored one.
EPHEMERAL = "ephemeral"


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedRecord:
    """One execution, as the answer to its start shows it."""

    id: UUID
    pipeline_id: UUID | None
    name: str
    status: str
    started_at: datetime | None = None
    finished_at: datetime | None = None
    params: dict[str, Any] | None = None
    outputs: dict[str, Any] | None = None
    error: dict[str, Any] | None = None

    @property
    def workflow_id(self) -> str:
        """The pipeline, under the name and in the form that clients of the reference know."""
        return str(self.pipeline_id) if self.pipeline_id else EPHEMERAL

    @property
    def error_message(self) -> str | None:
        """Why it failed, in one text."""
        return None if self.error is None else self.error.get("message")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionRecord(StartedRecord):
    """One execution; what has a default below is left out of lists."""

    lock_version: int
    waits_for_place: bool
    revision: int
    initiator: str
    user_id: str | None
    started_by: str | None
    parent_execution_id: UUID | None
    root_execution_id: UUID
    progress_percentage: Decimal
    abort_reason: str | None
    cancel_requested_at: datetime | None
    forced_at: datetime | None
    deadline_at: datetime | None
    created_at: datetime
    updated_at: datetime
    document: dict[str, Any] | None = None
    callback_topics: list[Any] | None = None
    subscriber_ids: str | None = None
    payload_type: str | None = None
    notification_workflow_id: str | None = None


#: Whether it has not begun because there is no place of its concurrency key.
WAITS_FOR_PLACE = (
    exists()
    .where(
        Execution.status == ExecutionStatus.PENDING,
        ConcurrencyPlace.execution_id == Execution.id,
        ConcurrencyPlace.step_execution_id.is_(None),
        ConcurrencyPlace.taken_at.is_(None),
    )
    .label("waits_for_place")
)
LISTED = (
    Execution.id,
    Execution.lock_version,
    Execution.pipeline_id,
    PipelineRevision.revision,
    Execution.name,
    Execution.status,
    WAITS_FOR_PLACE,
    Execution.initiator,
    Execution.user_id,
    Execution.authority["started_by"].astext.label("started_by"),
    Execution.parent_execution_id,
    func.coalesce(Execution.root_execution_id, Execution.id).label("root_execution_id"),
    Execution.progress_percentage,
    Execution.error,
    Execution.abort_reason,
    Execution.cancel_requested_at,
    Execution.forced_at,
    Execution.deadline_at,
    Execution.started_at,
    Execution.finished_at,
    Execution.created_at,
    Execution.updated_at,
)
WHOLE = (
    *LISTED,
    Execution.params,
    Execution.outputs,
    PipelineRevision.document,
    Execution.callback_topics,
    Execution.subscriber_ids,
    Execution.payload_type,
    Execution.notification_workflow_id,
)


def executions(
    caller: Caller, session: Session, wanted: ExecutionFilter, page: Page
) -> Listed[ExecutionRecord]:
    """The executions that *caller* may see, newest first."""
    conditions = conditions_of(caller, session, wanted)
    total = session.scalar(select(func.count()).select_from(Execution).where(*conditions)) or 0
    rows = session.execute(
        _selected(*LISTED)
        .where(*conditions)
        .order_by(Execution.created_at.desc(), Execution.id.desc())
        .limit(page.size)
        .offset(page.offset)
    ).all()
    return Listed(_with_progress(session, [_listed(row) for row in rows]), total, page)


def execution(caller: Caller, session: Session, execution_id: UUID) -> ExecutionRecord:
    """One execution as it is now; its high-water mark of progress is raised.

    Raises ``ExecutionNotFound``, also for what belongs to another user.
    """
    return execution_with_progress(caller, session, execution_id)[0]


def just_started(started: Started) -> StartedRecord:
    """An execution as it was stored a moment ago, without looking at it again."""
    startable = started.startable
    declared = [{"name": p.name, "type": p.type} for p in startable.plan.definition.parameters]
    params = json_guard.as_stored(started.params)  # a repeated request is answered from the row
    return StartedRecord(
        id=started.id,
        pipeline_id=startable.pipeline_id,
        name=startable.name,
        status=ExecutionStatus.PENDING,
        params=redactor_for(params, declared).params(params),
    )


def started_execution(caller: Caller, session: Session, execution_id: UUID) -> StartedRecord:
    """An execution as it is now; its steps and its definition are not read.

    Raises ``ExecutionNotFound``, also for what belongs to another user.
    """
    columns = [getattr(Execution, field.name) for field in fields(StartedRecord)]
    parameters = PipelineRevision.document["parameters"].label("parameters")
    row = session.execute(
        _selected(*columns, parameters).where(
            Execution.id == execution_id, visible_to(Execution, caller)
        )
    ).one_or_none()
    if row is None:
        raise not_found(execution_id)
    found = dict(row._mapping)
    redactor = redactor_for(found["params"], found.pop("parameters"))
    return StartedRecord(**found | _shown(found, redactor))


def execution_with_progress(
    caller: Caller, session: Session, execution_id: UUID, *, with_eta: bool = False
) -> tuple[ExecutionRecord, Aggregate]:
    """One execution, and the sums over its steps, with a progress that never goes back."""
    row = session.execute(
        _selected(*WHOLE).where(Execution.id == execution_id, visible_to(Execution, caller))
    ).one_or_none()
    if row is None:
        raise not_found(execution_id)
    record = _whole(row)
    sums = aggregates(session, [execution_id], with_eta=with_eta)
    found = sums.get(execution_id, NOTHING)
    overall = never_less(record.progress_percentage, found.overall_progress)
    if overall > record.progress_percentage:
        raise_high_water_mark(session, execution_id, overall)
    return replace(record, progress_percentage=overall), replace(found, overall_progress=overall)


def _selected(*columns: Any) -> Select[*tuple[Any, ...]]:
    return select(*columns).join(PipelineRevision, PipelineRevision.id == Execution.revision_id)


def _with_progress(
    session: Session, records: Sequence[ExecutionRecord]
) -> Sequence[ExecutionRecord]:
    """The same records; those of open executions say how far they are now."""
    now = aggregates(session, [r.id for r in records if r.status == ExecutionStatus.RUNNING])
    return [
        replace(
            record,
            progress_percentage=never_less(
                record.progress_percentage, now.get(record.id, NOTHING).overall_progress
            ),
        )
        for record in records
    ]


def _listed(row: Row[*tuple[Any, ...]]) -> ExecutionRecord:
    # Which params are secret is not known here; texts that look like secrets are masked.
    found = dict(row._mapping)
    return ExecutionRecord(**found | {"error": _redacted(Redactor(), found["error"])})


def _whole(row: Row[*tuple[Any, ...]]) -> ExecutionRecord:
    found = dict(row._mapping)
    redactor = redactor_for(found["params"], found["document"].get("parameters"))
    document = redactor.document(found["document"])
    return ExecutionRecord(**found | _shown(found, redactor) | {"document": document})


def _shown(found: Mapping[str, Any], redactor: Redactor) -> dict[str, Any]:
    # A step that ends the execution may have said its outputs: they count when it has ended, for
    # a cancel or its time-out may come first.
    is_over = ExecutionStatus(found["status"]).is_final
    return {
        "params": redactor.params(found["params"]),
        "outputs": _redacted(redactor, found["outputs"]) if is_over else None,
        "error": _redacted(redactor, found["error"]),
    }


def _redacted(redactor: Redactor, value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if value is None else redactor.redact(value)
