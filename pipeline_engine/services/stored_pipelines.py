"""Pipelines as they are shown: one, or a list of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, func, literal, or_, select, true
from sqlalchemy.orm import Session

from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.recorded_actions import versions_in
from pipeline_engine.domain.scopes import Scope
from pipeline_engine.domain.sealing import with_masked_defaults
from pipeline_engine.domain.states import PipelineStatus
from pipeline_engine.errors import PipelineNotFound
from pipeline_engine.services.pages import Listed, Page
from pipeline_engine.services.queries.recent import RecentExecution, recent_executions
from pipeline_engine.storage.pipelines import NEAREST, meant_by
from pipeline_engine.storage.tables.executions import Execution
from pipeline_engine.storage.tables.pipelines import Pipeline, PipelineRevision
from pipeline_engine.storage.tables.schedules import Schedule
from pipeline_engine.storage.visibility import is_one_of, visible_to

PIPELINE_STATUSES: tuple[str, ...] = tuple(PipelineStatus)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPipeline:
    """A pipeline with its newest revision and what its executions add up to."""

    pipeline: Pipeline
    version: str  #: the author's own version text
    actions: dict[str, Any] | None  #: what was chosen for each action when it was saved
    #: as it was written, but for the defaults of secrets; left out of lists on request
    document: dict[str, Any] | None
    execution_count: int
    last_execution_at: datetime | None

    @property
    def action_versions(self) -> dict[str, str]:
        """The version of each action that was taken when the revision was saved."""
        return versions_in(self.actions)


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineWithHistory(StoredPipeline):
    """The same with what it did lately, and when a schedule starts it next."""

    recent: Sequence[RecentExecution]  #: the newest first
    next_due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineFilter:
    """Which pipelines are listed; what is null or empty is not asked for."""

    include_system: bool = False
    name: str | None = None  #: only what this name means: see ``executions.start_named``
    q: str | None = None  #: a part of the name or the description, in any case
    statuses: Collection[str] = ()


def get(caller: Caller, session: Session, pipeline_id: UUID | str) -> StoredPipeline:
    """One pipeline; raises ``PipelineNotFound``, also for what belongs to another user."""
    found = session.execute(
        _stored(caller, with_document=True)
        .where(Pipeline.id == as_id(pipeline_id), visible_to(Pipeline, caller))
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise not_found(pipeline_id)
    return _stored_pipeline(found)


def listed(
    caller: Caller,
    session: Session,
    wanted: PipelineFilter,
    page: Page,
    *,
    with_document: bool = True,
    recent: int | None = None,
) -> Listed[StoredPipeline]:
    """The pipelines of *caller*, newest first: two queries, however many there are.

    With *recent* each has its history, that many executions of it, by two queries more.
    """
    conditions = _conditions(caller, wanted)
    total = session.scalar(select(func.count()).select_from(Pipeline).where(*conditions)) or 0
    rows = session.execute(
        _stored(caller, with_document=with_document)
        .where(*conditions)
        .order_by(Pipeline.created_at.desc(), Pipeline.id.desc())
        .limit(page.size)
        .offset(page.offset)
    )
    found = [_stored_pipeline(row) for row in rows]
    if recent is not None:
        found = _with_history(caller, session, found, recent)
    return Listed(found, total, page)


def _conditions(caller: Caller, wanted: PipelineFilter) -> Sequence[ColumnElement[bool]]:
    sight = visible_to(Pipeline, caller)
    if not (wanted.include_system or caller.sees_all):
        sight = and_(sight, Pipeline.user_id == is_one_of(caller))
    found = [sight]
    if wanted.name is not None:
        named = meant_by(wanted.name, caller.user_id, is_one_of(caller), sight).c
        found = [Pipeline.id.in_(select(named.id).where(named.distance == NEAREST))]
    if wanted.q:
        texts = (Pipeline.name, Pipeline.description)
        found.append(or_(*(text.icontains(wanted.q, autoescape=True) for text in texts)))
    if wanted.statuses:
        found.append(Pipeline.status.in_(wanted.statuses))
    return found


def _with_history(
    caller: Caller, session: Session, pipelines: Sequence[StoredPipeline], most: int
) -> list[StoredPipeline]:
    ids = [one.pipeline.id for one in pipelines]
    recent = recent_executions(caller, session, ids, most)
    due = _next_due(caller, session, ids)
    return [
        PipelineWithHistory(
            **{field.name: getattr(one, field.name) for field in fields(one)},
            recent=recent[one.pipeline.id],
            next_due_at=due.get(one.pipeline.id),
        )
        for one in pipelines
    ]


def _next_due(
    caller: Caller, session: Session, pipeline_ids: Collection[UUID]
) -> Mapping[UUID, datetime]:
    """When schedules that *caller* may read start these pipelines next."""
    if not caller.may(Scope.SCHEDULES_READ):
        return {}
    rows = session.execute(
        select(Schedule.pipeline_id, func.min(Schedule.next_due_at))
        .where(
            Schedule.pipeline_id.in_(pipeline_ids),
            Schedule.enabled,
            Schedule.next_due_at.is_not(None),
            visible_to(Schedule, caller),
        )
        .group_by(Schedule.pipeline_id)
    )
    return {pipeline: due for pipeline, due in rows if pipeline and due}


def _stored_pipeline(row: Row[*tuple[Any, ...]]) -> StoredPipeline:
    pipeline, version, actions, document, execution_count, last_execution_at = row
    return StoredPipeline(
        pipeline=pipeline,
        version=version,
        actions=actions,
        document=None if document is None else with_masked_defaults(document),
        execution_count=execution_count,
        last_execution_at=last_execution_at,
    )


def _stored(caller: Caller, *, with_document: bool) -> Select[*tuple[Any, ...]]:
    """Pipelines with what those of their executions add up to that *caller* may know of."""
    counts = (
        select(
            func.count().label("execution_count"),
            func.max(Execution.created_at).label("last_execution_at"),
        )
        .where(Execution.pipeline_id == Pipeline.id, visible_to(Execution, caller))
        .lateral("counts")
    )
    document = PipelineRevision.document if with_document else literal(None)
    return (
        select(
            Pipeline.__mapper__,
            PipelineRevision.version,
            PipelineRevision.actions,
            document.label("document"),
            counts.c.execution_count,
            counts.c.last_execution_at,
        )
        .join(
            PipelineRevision,
            (PipelineRevision.pipeline_id == Pipeline.id)
            & (PipelineRevision.revision == Pipeline.revision),
        )
        .join(counts, true())
    )


def seen(caller: Caller, session: Session, pipeline_id: UUID | str) -> UUID:
    """The id of a pipeline that *caller* sees; raises ``PipelineNotFound``."""
    wanted = as_id(pipeline_id)
    in_sight = select(Pipeline.id).where(Pipeline.id == wanted, visible_to(Pipeline, caller))
    if session.scalar(in_sight) is None:
        raise not_found(pipeline_id)
    return wanted


def as_id(pipeline_id: UUID | str) -> UUID:
    """*pipeline_id* as it is stored. Raises ``PipelineNotFound``: no other text names one."""
    try:
        return pipeline_id if isinstance(pipeline_id, UUID) else UUID(pipeline_id)
    except ValueError:
        raise not_found(pipeline_id) from None


def not_found(pipeline_id: UUID | str) -> PipelineNotFound:
    """What is raised for a pipeline that a caller does not see, or that there is not."""
    return PipelineNotFound(f"Pipeline not found: {pipeline_id}", pipeline_id=str(pipeline_id))
