"""The newest executions of some pipelines: what each of them did lately."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Float, cast, func, select, true
from sqlalchemy.orm import Session

from pipeline_engine.domain.callers import Caller
from pipeline_engine.storage.tables.executions import Execution
from pipeline_engine.storage.tables.pipelines import Pipeline
from pipeline_engine.storage.visibility import visible_to


@dataclass(frozen=True, slots=True)
class RecentExecution:
    """One execution, as a mark in a row of marks."""

    execution_id: UUID
    status: str
    created_at: datetime
    seconds: float | None  #: from its start to its end, or until now; null before its start


def recent_executions(
    caller: Caller, session: Session, pipeline_ids: Sequence[UUID], most: int
) -> Mapping[UUID, Sequence[RecentExecution]]:
    """The newest executions of each of these pipelines that *caller* may see, newest first.

    One query, which reads *most* entries of an index for each pipeline.
    """
    until = func.coalesce(Execution.finished_at, func.now())
    newest = (
        select(
            Execution.id,
            Execution.status,
            Execution.created_at,
            cast(func.extract("epoch", until - Execution.started_at), Float).label("seconds"),
        )
        .where(Execution.pipeline_id == Pipeline.id, visible_to(Execution, caller))
        .order_by(Execution.created_at.desc(), Execution.id.desc())
        .limit(most)
        .lateral("newest")
    )
    rows = session.execute(
        select(Pipeline.id, *newest.c)
        .join(newest, true())
        .where(Pipeline.id.in_(pipeline_ids))
        .order_by(Pipeline.id, newest.c.created_at.desc(), newest.c.id.desc())
    )
    found: dict[UUID, list[RecentExecution]] = {one: [] for one in pipeline_ids}
    for pipeline_id, *execution in rows:
        found[pipeline_id].append(RecentExecution(*execution))
    return found
