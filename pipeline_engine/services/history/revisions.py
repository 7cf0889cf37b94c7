"""The revisions of a pipeline: what it has said, since when, and who has made it say so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.sealing import with_masked_defaults
from pipeline_engine.services.pages import Listed, Page
from pipeline_engine.services.stored_pipelines import seen
from pipeline_engine.storage.tables.pipelines import PipelineRevision


@dataclass(frozen=True, slots=True)
class Revision:
    """What a pipeline said from some moment on."""

    revision: int
    saved_at: datetime
    saved_by: str | None  #: the principal; null if an older version saved it
    document: dict[str, Any]  #: as it was written, but for the defaults of secrets


def revisions(
    caller: Caller, session: Session, pipeline_id: UUID | str, page: Page
) -> Listed[Revision]:
    """The revisions of a pipeline, newest first. Raises ``PipelineNotFound``."""
    row = PipelineRevision
    its = row.pipeline_id == seen(caller, session, pipeline_id)
    total = session.scalar(select(func.count()).select_from(row).where(its)) or 0
    found = session.execute(
        select(row.revision, row.created_at, row.saved_by, row.document)
        .where(its)
        .order_by(row.revision.desc())
        .limit(page.size)
        .offset(page.offset)
    )
    entries = [
        Revision(number, at, by, with_masked_defaults(document))
        for number, at, by, document in found
    ]
    return Listed(entries, total, page)
