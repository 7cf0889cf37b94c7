"""The inbox: every delivery that was answered with 2xx, once."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from pipeline_engine.storage.base import Base, Json, counted_key, one_of


class Disposition(StrEnum):
    """What became of a delivery."""

    PENDING = "pending"  #: accepted; its step is not parked yet, or a worker is about to take it
    APPLIED = "applied"  #: given to its step, once
    CLOSED = "closed"  #: its step had ended before
    UNMATCHED = "unmatched"  #: nobody waited for it during the grace period; can be replayed


class Delivery(Base):
    """One event that came from outside, as it came."""

    __tablename__ = "inbox"
    __table_args__ = (
        CheckConstraint(one_of("disposition", Disposition), name="disposition"),
        Index("uq_inbox_source_delivery_key", "source", "delivery_key", unique=True),
        Index(
            "ix_inbox_pending",
            "external_id",
            postgresql_where=text("disposition = 'pending'"),
        ),
        Index("ix_inbox_received_at", "received_at"),
        Index("ix_inbox_step_execution_id", "step_execution_id"),
    )

    id: Mapped[counted_key]
    source: Mapped[str]
    delivery_key: Mapped[str]  #: the sender's id of the delivery, or the hash of its body
    external_id: Mapped[str | None]
    #: set by a callback token, or when the delivery was applied
    step_execution_id: Mapped[int | None] = mapped_column(BigInteger)
    attempt: Mapped[int | None]
    event_type: Mapped[str]
    body: Mapped[dict[str, Json]]
    disposition: Mapped[str]
    verdict: Mapped[str | None]  #: what ``on_event`` answered
    note: Mapped[str | None]
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())
    settled_at: Mapped[datetime | None]
