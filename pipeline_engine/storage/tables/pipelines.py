"""Pipelines and their immutable revisions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import CheckConstraint, Connection, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from pipeline_engine.domain.states import PipelineStatus
from pipeline_engine.storage.postgres import driver
from pipeline_engine.storage.tables.base import Base, Json, Timestamped, one_of, uuid_key


class Pipeline(Timestamped, Base):
    """A stored definition, by name; what it says is in its revisions."""

    __tablename__ = "pipelines"
    __table_args__ = (
        CheckConstraint(one_of("status", PipelineStatus), name="status"),
        # A null owner is one scope too, so NULLs must not count as distinct.
        Index(
            "uq_pipelines_user_id_name",
            text("coalesce(user_id, '')"),
            "name",
            unique=True,
        ),
    )

    id: Mapped[uuid_key]
    name: Mapped[str]
    status: Mapped[str]
    description: Mapped[str | None]
    icon: Mapped[str | None]
    user_id: Mapped[str | None]
    system_owned: Mapped[bool] = mapped_column(default=False)
    created_by: Mapped[str] = mapped_column(default="api")
    step_count: Mapped[int] = mapped_column(default=0)
    revision: Mapped[int] = mapped_column(default=1)  #: the number of the newest revision
    lock_version: Mapped[int] = mapped_column(default=1)


class PipelineRevision(Base):
    """One immutable snapshot of a definition; an execution is pinned to one of them."""

    __tablename__ = "pipeline_revisions"
    __table_args__ = (
        Index("uq_pipeline_revisions_pipeline_id_revision", "pipeline_id", "revision", unique=True),
    )

    id: Mapped[uuid_key]
    #: null for an ephemeral definition, and once the pipeline was deleted
    pipeline_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("pipelines.id", ondelete="SET NULL")
    )
    revision: Mapped[int]
    version: Mapped[str]  #: the author's own version text
    document: Mapped[dict[str, Json]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class NewestRevision(NamedTuple):
    """What has to be known of a pipeline to execute it."""

    id: UUID
    name: str
    status: str
    revision_id: UUID


MOST_NAMED = 10  #: pipelines of one name that are told apart
_NEWEST = (
    "SELECT p.id, p.name, p.status, r.id AS revision_id FROM {pipelines} p"
    " LEFT JOIN pipeline_revisions r ON r.pipeline_id = p.id AND r.revision = p.revision"
)
#: A pipeline of the system, or one of each of the users.
_IN_SIGHT = "(p.system_owned OR p.user_id = ALL(%(users)s::text[]))"
# One condition each: with both in one query neither index could be used.
_BY_ID = f"{_NEWEST.format(pipelines='pipelines')} WHERE {_IN_SIGHT} AND p.id = %(id)s"
_NEAREST = (
    "(SELECT p.*, rank() OVER (ORDER BY p.user_id IS NOT DISTINCT FROM %(user)s DESC,"
    f" p.system_owned DESC) AS distance FROM pipelines p WHERE {_IN_SIGHT} AND p.name = %(name)s)"
)
_BY_NAME = (
    f"{_NEWEST.format(pipelines=_NEAREST)} WHERE p.distance = 1 ORDER BY p.id LIMIT {MOST_NAMED}"
)


def newest(
    connection: Connection, pipeline_id: UUID, users: Collection[str]
) -> NewestRevision | None:
    """The pipeline with this id, if each of *users* may execute it; nobody is the system."""
    asked = {"id": str(pipeline_id), "users": list(users)}
    rows = driver.fetch(connection, _BY_ID, asked)
    return NewestRevision(*rows[0]) if rows else None


def newest_named(
    connection: Connection, name: str, users: Sequence[str]
) -> Sequence[NewestRevision]:
    """All that *name* means: one of the first user before those of the system, then any other.

    More than one is left only if none of them is nearer to the user than the others.
    """
    asked = {"name": name, "users": list(users), "user": users[0] if users else None}
    return [NewestRevision(*row) for row in driver.fetch(connection, _BY_NAME, asked)]
