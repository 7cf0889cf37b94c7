"""Pipelines, their immutable revisions, and drafts of what is to be one."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from pipeline_engine.domain.states import PipelineStatus
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
        # What whoever looks for notices asks first; where nobody writes any it is empty.
        Index("ix_pipeline_revisions_notifies", "id", postgresql_where=text("notifies")),
    )

    id: Mapped[uuid_key]
    #: null for an ephemeral definition, and once the pipeline was deleted
    pipeline_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("pipelines.id", ondelete="SET NULL")
    )
    revision: Mapped[int]
    version: Mapped[str]  #: the author's own version text
    document: Mapped[dict[str, Json]]
    #: what was chosen for each action that it names; null if it names none
    actions: Mapped[dict[str, Json] | None]
    #: the names of the stored secrets that it speaks of; null if there are none
    secret_names: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    #: a step or handler has subscriptions told of it
    notifies: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    saved_by: Mapped[str | None]  #: the principal; null if an older version saved it


class PipelineDraft(Base):
    """What one person has typed into a definition, and not saved as a revision yet."""

    __tablename__ = "pipeline_drafts"

    pipeline_id: Mapped[UUID] = mapped_column(
        ForeignKey("pipelines.id", ondelete="CASCADE"), primary_key=True
    )
    person: Mapped[str] = mapped_column(primary_key=True)  #: see services/drafts.py
    user_id: Mapped[str | None]  #: the owner for whom the person acted
    #: another one after each save, also of a draft that was deleted and begun anew
    version: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    based_on: Mapped[int | None] = mapped_column(BigInteger)  #: the pipeline's ``lock_version``
    document: Mapped[str]  #: its JSON text, sealed: people type secrets, too
    saved_at: Mapped[datetime]
