"""Which executions a caller sees, and what of them is hidden."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.orm import Session

from pipeline_engine.errors import ExecutionNotFound
from pipeline_engine.services.callers import Caller
from pipeline_engine.services.redaction import Redactor, redactor_for
from pipeline_engine.storage.tables.executions import Execution
from pipeline_engine.storage.tables.pipelines import PipelineRevision


def visible_to(caller: Caller) -> ColumnElement[bool]:
    """The condition on executions that *caller* may know of."""
    return true() if caller.sees_all else Execution.user_id == caller.user_id


def redactor_of(session: Session, caller: Caller, execution_id: UUID) -> Redactor:
    """What hides the secrets of an execution; raises ``ExecutionNotFound`` if it is not in sight.

    The whole definition stays in the database: only the list of its parameters is fetched.
    """
    found = session.execute(
        select(Execution.params, PipelineRevision.document["parameters"])
        .join(PipelineRevision, PipelineRevision.id == Execution.revision_id)
        .where(Execution.id == execution_id, visible_to(caller))
    ).one_or_none()
    if found is None:
        raise not_found(execution_id)
    params, parameters = found
    return redactor_for(params, parameters)


def not_found(execution_id: UUID) -> ExecutionNotFound:
    """The same answer for what does not exist and for what belongs to another user."""
    return ExecutionNotFound(f"Execution {execution_id} not found", execution_id=str(execution_id))
