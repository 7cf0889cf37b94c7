"""Rows as the scheduler leaves them, for tests of what is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from pipeline_engine.storage.tables.events import Event, EventType
from pipeline_engine.storage.tables.executions import Execution
from pipeline_engine.storage.tables.pipelines import Pipeline, PipelineRevision
from pipeline_engine.storage.tables.steps import StepExecution, StepKind

START = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


def a_document(*steps: str, **fields: Any) -> dict[str, Any]:
    """A definition whose steps log something, one after another."""
    names = steps or ("a",)
    described = [
        {
            "id": name,
            "name": name.upper(),
            "action": "log",
            "params": {"message": "hello"},
            "depends_on": list(names[max(0, index - 1) : index]),
        }
        for index, name in enumerate(names)
    ]
    return {"name": "nightly", "version": "1.0.0", "steps": described, **fields}


def a_pipeline(session: Session, *, name: str = "nightly", **columns: Any) -> Pipeline:
    """A stored pipeline with its first revision."""
    document = columns.pop("document", a_document())
    pipeline = Pipeline(
        name=name, status="ACTIVE", step_count=1, revision=1, lock_version=1, **columns
    )
    session.add(pipeline)
    session.flush()
    session.add(
        PipelineRevision(pipeline_id=pipeline.id, revision=1, version="1.0.0", document=document)
    )
    session.flush()
    return pipeline


def an_execution(session: Session, *, status: str = "RUNNING", **columns: Any) -> Execution:
    """An execution of a definition that is not stored as a pipeline."""
    document = columns.pop("document", None) or a_document()
    revision = PipelineRevision(revision=1, version="1.0", document=document)
    session.add(revision)
    session.flush()
    params = columns.pop("params", {})
    execution = Execution(
        revision_id=revision.id,
        name="nightly",
        status=status,
        given_params=params,
        params=params,
        **columns,
    )
    session.add(execution)
    session.flush()
    return execution


def a_step(
    session: Session, execution: Execution, step_id: str, status: str, **columns: Any
) -> StepExecution:
    """One step execution."""
    step = StepExecution(
        execution_id=execution.id,
        step_id=step_id,
        name=columns.pop("name", step_id.upper()),
        action=columns.pop("action", "log"),
        kind=columns.pop("kind", StepKind.STEP),
        status=status,
        sequence_number=columns.pop("sequence_number", 1),
        queue="fast",
        cheap=True,
        **columns,
    )
    session.add(step)
    session.flush()
    return step


def a_finished_step(
    session: Session, execution: Execution, step_id: str, *, seconds: float
) -> None:
    """A completed step that took *seconds*."""
    a_step(
        session,
        execution,
        step_id,
        "COMPLETED",
        progress_percentage=100,
        started_at=START,
        finished_at=START + timedelta(seconds=seconds),
    )


def an_event(session: Session, execution_id: UUID, event_type: EventType, **details: Any) -> Event:
    """One entry of a history."""
    entry = Event(execution_id=execution_id, event_type=event_type, details=details)
    session.add(entry)
    session.flush()
    return entry


@contextmanager
def statements_on(engine: Engine) -> Iterator[list[str]]:
    """Collect the text of every statement that is sent meanwhile."""
    seen: list[str] = []

    def note(*call: Any) -> None:
        seen.append(call[2])

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)
