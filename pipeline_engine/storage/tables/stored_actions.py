"""Actions that are data, in versions that never change."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from pipeline_engine.storage.tables.base import Base, Json, Timestamped, uuid_key


class StoredAction(Timestamped, Base):
    """What ``action`` means in the definitions of one owner; of the system, in all."""

    __tablename__ = "stored_actions"
    __table_args__ = (
        # A null owner is the system: one scope too, so NULLs must not count as distinct.
        Index("uq_stored_actions_user_id_type", text("coalesce(user_id, '')"), "type", unique=True),
    )

    id: Mapped[uuid_key]
    user_id: Mapped[str | None]
    type: Mapped[str]
    version: Mapped[int] = mapped_column(default=1)  #: the newest
    lock_version: Mapped[int] = mapped_column(default=1)
    created_by: Mapped[str]  #: a principal, as is the next one
    updated_by: Mapped[str]
    #: A deleted one keeps its row: the number of a version never means another one.
    deleted_at: Mapped[datetime | None]


class StoredActionVersion(Base):
    """One version of it."""

    __tablename__ = "stored_action_versions"

    action_id: Mapped[UUID] = mapped_column(
        ForeignKey("stored_actions.id", ondelete="CASCADE"), primary_key=True
    )
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    definition: Mapped[dict[str, Json]]
    #: what was recorded of the actions that it uses, as a revision does
    actions: Mapped[dict[str, Json]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    created_by: Mapped[str]
