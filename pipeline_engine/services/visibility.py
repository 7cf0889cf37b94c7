"""Executions in the sight of a caller, and what of them is hidden."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.redaction import Redactor, redactor_for
from pipeline_engine.errors import ExecutionNotFound
from pipeline_engine.storage.tables.executions import Execution
from pipeline_engine.storage.tables.pipelines import PipelineRevision
from pipeline_engine.storage.visibility import visible_to


def require_visible(caller: Caller, session: Session, execution_id: UUID) -> str | None:
    """Return whose this execution is; ``ExecutionNotFound`` unless *caller* may know of it."""
    seen = visible_to(Execution, caller)
    known = select(Execution.user_id).where(Execution.id == execution_id, seen)
    found = session.execute(known).one_or_none()
    if found is None:
        raise not_found(execution_id)
    owner: str | None = found.user_id
    return owner


def redactor_of(caller: Caller, session: Session, execution_id: UUID) -> Redactor:
    """What hides the secrets of an execution; raises ``ExecutionNotFound`` if it is not in sight.

    The whole definition stays in the database: only the list of its parameters is fetched.
    """
    found = session.execute(
        select(Execution.params, PipelineRevision.document["parameters"])
        .join(PipelineRevision, PipelineRevision.id == Execution.revision_id)
        .where(Execution.id == execution_id, visible_to(Execution, caller))
    ).one_or_none()
    if found is None:
        raise not_found(execution_id)
    params, parameters = found
    return redactor_for(params, parameters)


def not_found(execution_id: object) -> ExecutionNotFound:
    """The same answer for what does not exist and for what belongs to another user."""
    return ExecutionNotFound(f"Execution {execution_id} not found", execution_id=str(execution_id))
