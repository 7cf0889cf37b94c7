"""Archive pipelines: they are kept for their history, and nothing of them can be started."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.states import PipelineStatus
from pipeline_engine.services.audit_log import Act
from pipeline_engine.services.pipelines import (
    StoredPipeline,
    change_status,
    get,
    locked,
    status_of,
)
from pipeline_engine.storage import standing_orders
from pipeline_engine.storage.standing_orders import DisabledReason


def archive(caller: Caller, session: Session, pipeline_id: UUID | str) -> StoredPipeline:
    """Archive a pipeline; what starts it is disabled, and what runs goes on to its end.

    An archived one stays as it is. Raises ``PipelineNotFound`` and ``SystemPipelineReadOnly``.
    """
    pipeline = locked(caller, session, pipeline_id)
    if pipeline.status != PipelineStatus.ARCHIVED:
        change_status(caller, session, pipeline, PipelineStatus.ARCHIVED, Act.PIPELINE_ARCHIVE)
        standing_orders.disable_for(session, pipeline.id, DisabledReason.PIPELINE_ARCHIVED)
    return get(caller, session, pipeline.id)


def restore(caller: Caller, session: Session, pipeline_id: UUID | str) -> StoredPipeline:
    """Let an archived pipeline be started again; what used to start it stays disabled.

    Raises ``PipelineNotFound`` and ``SystemPipelineReadOnly``.
    """
    pipeline = locked(caller, session, pipeline_id)
    if pipeline.status == PipelineStatus.ARCHIVED:
        status = status_of(step_count=pipeline.step_count)
        change_status(caller, session, pipeline, status, Act.PIPELINE_RESTORE)
    return get(caller, session, pipeline.id)
