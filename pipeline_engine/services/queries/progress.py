"""Progress in three sizes: the sums alone, with the steps, with the newest events too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.progress import Aggregate
from pipeline_engine.services.queries.events import EventFilter, EventRecord, events
from pipeline_engine.services.queries.executions import (
    ExecutionRecord,
    execution_with_progress,
)
from pipeline_engine.services.queries.steps import StepRecord, steps


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressQuery:
    """How much a caller wants to know."""

    with_steps: bool = True
    with_outputs: bool = True
    with_eta: bool = True
    newest_events: int = 20  #: 0 for none


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far one execution is; parts that were not requested are empty."""

    execution: ExecutionRecord
    aggregated: Aggregate
    steps: Sequence[StepRecord]
    recent_events: Sequence[EventRecord]  #: in the order in which they happened


def progress(
    caller: Caller, session: Session, execution_id: UUID, query: ProgressQuery
) -> Progress:
    """How far an execution is; its high-water mark is raised."""
    record, aggregated = execution_with_progress(
        caller, session, execution_id, with_eta=query.with_eta
    )
    return Progress(
        execution=record,
        aggregated=aggregated,
        steps=steps(caller, session, execution_id, with_outputs=query.with_outputs)
        if query.with_steps
        else (),
        recent_events=_newest(caller, session, execution_id, query.newest_events),
    )


def _newest(
    caller: Caller, session: Session, execution_id: UUID, limit: int
) -> Sequence[EventRecord]:
    if not limit:
        return ()
    found = events(caller, session, execution_id, EventFilter(limit=limit))
    return found.entries[::-1]
