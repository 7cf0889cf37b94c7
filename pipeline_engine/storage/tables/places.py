"""Places of a key: who has one, and who waits for one."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from pipeline_engine.domain.definitions import WhenFull
from pipeline_engine.storage.tables.base import Base, counted_key, one_of

#: Of which several have to be equal: the owner and the key. Null is the system.
OWNER_AND_KEY = "coalesce(owner, ''), key"


class ConcurrencyPlace(Base):
    """An execution or a step that has a place of its key, or stands in line for one.

    The place is kept as long as the row that it is for is open: whatever ends that frees it, and
    nothing has to be written here for it. Ids grow with the order in which it was asked.
    """

    __tablename__ = "concurrency_places"
    __table_args__ = (
        CheckConstraint(one_of("when_full", WhenFull), name="when_full"),
        Index("ix_concurrency_places_execution_id", "execution_id"),
        Index(
            "uq_concurrency_places_step_execution_id_key",
            "step_execution_id",
            text("coalesce(owner, '')"),
            "key",
            unique=True,
            postgresql_where=text("step_execution_id IS NOT NULL"),
        ),
        Index(
            "ix_concurrency_places_taken",
            text("coalesce(owner, '')"),
            "key",
            "id",
            postgresql_where=text("taken_at IS NOT NULL"),
        ),
        Index(
            "ix_concurrency_places_line",
            text("coalesce(owner, '')"),
            "key",
            "id",
            postgresql_where=text("taken_at IS NULL"),
        ),
        Index(
            "ix_concurrency_places_superseded",
            "id",
            postgresql_where=text("superseded_at IS NOT NULL"),
        ),
    )

    id: Mapped[counted_key]
    owner: Mapped[str | None]  #: of the execution
    key: Mapped[str]
    execution_id: Mapped[UUID] = mapped_column(ForeignKey("executions.id", ondelete="CASCADE"))
    #: null: the place is for the execution itself; a step is deleted with its execution
    step_execution_id: Mapped[int | None] = mapped_column(BigInteger)
    at_once: Mapped[int]  #: how many may have the key at once for this one to be among them
    when_full: Mapped[str]
    asked_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    taken_at: Mapped[datetime | None]  #: null while it stands in line
    #: what it is to do while there is no place was decided: it waits
    decided: Mapped[bool] = mapped_column(default=False, server_default="false")
    superseded_at: Mapped[datetime | None]  #: since when it is to be cancelled for a later one
