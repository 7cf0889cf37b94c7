"""The store of secrets: names, and sealed values that nobody reads but a worker."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from pipeline_engine.storage.tables.base import Base, Timestamped, uuid_key


class Secret(Timestamped, Base):
    """What ``{{ secrets.name }}`` means in the definitions of one owner."""

    __tablename__ = "secrets"
    __table_args__ = (
        # A null owner is the system: one scope too, so NULLs must not count as distinct.
        Index("uq_secrets_user_id_name", text("coalesce(user_id, '')"), "name", unique=True),
    )

    id: Mapped[uuid_key]
    user_id: Mapped[str | None]
    name: Mapped[str]
    description: Mapped[str | None]
    version: Mapped[int] = mapped_column(default=1)  #: the one that counts
    lock_version: Mapped[int] = mapped_column(default=1)
    created_by: Mapped[str]  #: a principal, as is each that follows
    updated_by: Mapped[str]


class SecretVersion(Base):
    """One value of a secret, sealed and bound to its place."""

    __tablename__ = "secret_versions"

    secret_id: Mapped[UUID] = mapped_column(
        ForeignKey("secrets.id", ondelete="CASCADE"), primary_key=True
    )
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sealed: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    created_by: Mapped[str]
    last_used_at: Mapped[datetime | None]  #: to the minute
