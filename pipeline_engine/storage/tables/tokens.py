"""API tokens: what they may do, and the hash of their secret."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, func
from sqlalchemy.orm import Mapped, mapped_column

from pipeline_engine.storage.tables.base import Base, Json


class Token(Base):
    """One token of an owner; a revoked one stays, so that what it did has a name."""

    __tablename__ = "tokens"
    __table_args__ = (Index("ix_tokens_user_id_created_at", "user_id", "created_at"),)

    id: Mapped[str] = mapped_column(primary_key=True)  #: the public part of its text
    secret_hash: Mapped[str]  #: SHA-256, in hexadecimal digits
    name: Mapped[str]
    user_id: Mapped[str | None]  #: the owner for whom it acts; null is the system
    rights: Mapped[list[Json]]  #: scopes, and words of ``required_permissions``
    pipelines: Mapped[list[Json] | None]  #: ids of those that it is bound to; null is all
    created_by: Mapped[str]  #: the principal that has made it
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime | None]  #: null is never
    last_used_at: Mapped[datetime | None]  #: to the minute
    revoked_at: Mapped[datetime | None]
