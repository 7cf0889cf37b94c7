"""Who is signed in to the console, and links by which one can sign in once."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from pipeline_engine.storage.tables.base import Base


class ConsoleSession(Base):
    """One sign-in of a browser. An ended one stays for a while, without its token."""

    __tablename__ = "console_sessions"
    __table_args__ = (
        Index("uq_console_sessions_secret_hash", "secret_hash", unique=True),
        Index("ix_console_sessions_last_seen_at", "last_seen_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    secret_hash: Mapped[str]  #: SHA-256 of what is in the cookie, in hexadecimal digits
    user_id: Mapped[str | None]  #: the owner for whom its token acts; null is the system
    principal: Mapped[str]  #: whose credential its token is
    token: Mapped[str | None]  #: sealed; null once it has ended
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]  #: to the minute
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class SignInLink(Base):
    """One link that nobody has used yet."""

    __tablename__ = "sign_in_links"
    __table_args__ = (Index("uq_sign_in_links_secret_hash", "secret_hash", unique=True),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    secret_hash: Mapped[str]  #: SHA-256 of its code, in hexadecimal digits
    user_id: Mapped[str | None]
    principal: Mapped[str]
    token: Mapped[str]  #: sealed
    expires_at: Mapped[datetime]
