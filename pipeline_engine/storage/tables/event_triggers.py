"""Event triggers, and the events that they have collected and not followed yet."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from pipeline_engine.storage.tables.base import Base, Json, counted_key
from pipeline_engine.storage.tables.standing_orders import StandingOrder


class EventTrigger(StandingOrder, Base):
    """Start this pipeline for each event of its owner that is of this kind."""

    __tablename__ = "event_triggers"
    __table_args__ = (
        # Every delivery asks for those that are to be offered it.
        Index(
            "ix_event_triggers_offered",
            text("coalesce(user_id, '')"),
            "event_type",
            postgresql_where=text("enabled"),
        ),
        Index("ix_event_triggers_user_id", "user_id"),
    )

    event_type: Mapped[str]
    config: Mapped[dict[str, Json]]  #: see ``domain/event_triggers.py``
    last_triggered_at: Mapped[datetime | None]
    trigger_count: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")


class EventWindow(Base):
    """Events of one trigger with one key that fire together: when it is quiet, or long enough.

    It ends as it was opened: whoever changes the trigger changes the next one.
    """

    __tablename__ = "event_trigger_windows"
    __table_args__ = (
        Index("uq_event_trigger_windows_trigger_id_key", "trigger_id", "key", unique=True),
        Index("ix_event_trigger_windows_due_at", "due_at"),
    )

    id: Mapped[counted_key]
    trigger_id: Mapped[UUID] = mapped_column(ForeignKey("event_triggers.id", ondelete="CASCADE"))
    key: Mapped[str]  #: a digest; empty if the trigger has no key
    quiet_seconds: Mapped[float]
    max_wait_seconds: Mapped[float | None]
    first_at: Mapped[datetime]  #: when its events were received
    last_at: Mapped[datetime]
    due_at: Mapped[datetime]
    count: Mapped[int]
    last_delivery_id: Mapped[int] = mapped_column(BigInteger)
