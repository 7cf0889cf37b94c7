"""The SQL of shipped pipelines: one who ships at a time, and which one a name means."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from pipeline_engine.storage.tables.pipelines import Pipeline, PipelineRevision
from pipeline_engine.storage.tables.shipped_pipelines import ShippedPipeline

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('shipped_pipelines', 0))"


def lock(connection: Connection) -> None:
    """Let nobody else ship until the transaction ends."""
    connection.exec_driver_sql(_LOCK)


def id_of(connection: Connection, name: str) -> UUID | None:
    """The pipeline that was shipped under a name; None if there is none."""
    wanted = select(ShippedPipeline.pipeline_id).where(ShippedPipeline.name == name)
    return connection.execute(wanted).scalar_one_or_none()


class Stored(NamedTuple):
    """What is there under a name: the record of what was shipped, the pipeline, or both."""

    shipped: ShippedPipeline | None
    pipeline: Pipeline | None


def stored(session: Session, name: str) -> Stored:
    """What was shipped under a name, or else what the system has that is called so; locked."""
    shipped = session.get(ShippedPipeline, name)
    is_it = (
        (Pipeline.user_id.is_(None)) & (Pipeline.name == name)
        if shipped is None
        else Pipeline.id == shipped.pipeline_id
    )
    pipeline = session.scalar(select(Pipeline).where(is_it).with_for_update())
    return Stored(shipped, pipeline)


def revision(session: Session, pipeline: Pipeline, number: int) -> PipelineRevision:
    """One revision of a pipeline."""
    return session.scalars(
        select(PipelineRevision).where(
            PipelineRevision.pipeline_id == pipeline.id, PipelineRevision.revision == number
        )
    ).one()
