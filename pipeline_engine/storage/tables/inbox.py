"""The inbox: every delivery that was answered with 2xx, once, and whom it was offered to."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from pipeline_engine.storage.tables.base import Base, Json, counted_key, one_of


class Disposition(StrEnum):
    """What became of a delivery."""

    PENDING = "pending"  #: about to be offered by a worker, or kept for the next step that waits
    APPLIED = "applied"  #: accepted by a step, which used it up
    CLOSED = "closed"  #: a callback that came after the end of its attempt, or was ignored by it
    UNMATCHED = "unmatched"  #: not accepted by any step while it was kept; can be replayed


WAITS = "disposition = 'pending'"


class Delivery(Base):
    """One event that came from outside, as it came: a letter to its owner and external id.

    The row is its own outbox: ``queued_at`` says that a message ought to be on its way. It is
    null while the delivery is kept, after it was offered to all that wait.
    """

    __tablename__ = "inbox"
    __table_args__ = (
        CheckConstraint(one_of("disposition", Disposition), name="disposition"),
        Index("uq_inbox_source_delivery_key", "source", "delivery_key", unique=True),
        # The two never hold the same row, so that each delivery costs one entry.
        Index(
            "ix_inbox_queued",
            "external_id",
            "id",
            postgresql_where=text(f"{WAITS} AND queued_at IS NOT NULL"),
        ),
        Index(
            "ix_inbox_kept",
            "external_id",
            "id",
            postgresql_where=text(f"{WAITS} AND queued_at IS NULL"),
        ),
        Index(
            "ix_inbox_kept_since",
            "received_at",
            postgresql_where=text(f"{WAITS} AND queued_at IS NULL"),
        ),
        Index(
            "ix_inbox_unmatched",
            "external_id",
            postgresql_where=text("disposition = 'unmatched'"),
        ),
        Index("ix_inbox_owner", "owner", "id", postgresql_where=text("owner IS NOT NULL")),
        Index("ix_inbox_received_at", "received_at"),
        Index("ix_inbox_step_execution_id", "step_execution_id"),
    )

    id: Mapped[counted_key]
    #: user for whom the sender spoke, or owner of the step that its token names; null: the system
    owner: Mapped[str | None]
    source: Mapped[str]
    delivery_key: Mapped[str]  #: a digest of all that makes it the same as another of its source
    sender_id: Mapped[str | None]  #: what its sender calls it
    external_id: Mapped[str | None]
    #: set by a callback token, or when the delivery was applied
    step_execution_id: Mapped[int | None] = mapped_column(BigInteger)
    attempt: Mapped[int | None]
    event_type: Mapped[str]
    body: Mapped[dict[str, Json]]
    disposition: Mapped[str]
    verdict: Mapped[str | None]  #: of the step that used it up
    note: Mapped[str | None]
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())
    queued_at: Mapped[datetime | None] = mapped_column(server_default=func.now())
    settled_at: Mapped[datetime | None]


class DeliveryTarget(Base):
    """What one attempt of one step, or one event trigger, said to one delivery."""

    __tablename__ = "delivery_targets"
    __table_args__ = (
        Index(
            "uq_delivery_targets_step",
            "delivery_id",
            "step_execution_id",
            "attempt",
            unique=True,
        ),
        # Rows of steps, which are written with every callback, are in none of these.
        Index(
            "uq_delivery_targets_trigger",
            "trigger_id",
            "delivery_id",
            unique=True,
            postgresql_where=text("trigger_id IS NOT NULL"),
        ),
        Index(
            "ix_delivery_targets_pending",
            "trigger_id",
            "delivery_id",
            postgresql_where=text("verdict = 'pending'"),
        ),
        Index(
            "ix_delivery_targets_collected",
            "trigger_id",
            "key",
            postgresql_where=text("verdict = 'collected'"),
        ),
        Index(
            "ix_delivery_targets_fired",
            "trigger_id",
            "key",
            postgresql_where=text("verdict = 'fired' AND key IS NOT NULL"),
        ),
        Index("ix_delivery_targets_step_execution_id", "step_execution_id"),
        Index(
            "ix_delivery_targets_owner",
            "owner",
            "delivery_id",
            postgresql_where=text("owner IS NOT NULL"),
        ),
        CheckConstraint(
            "(trigger_id IS NULL) = (step_execution_id IS NOT NULL)", name="is_step_or_trigger"
        ),
    )
    delivery_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("inbox.id", ondelete="CASCADE"))
    step_execution_id: Mapped[int | None] = mapped_column(BigInteger)
    attempt: Mapped[int | None]
    trigger_id: Mapped[UUID | None]  #: no foreign key: what it did is known longer than itself
    owner: Mapped[str | None]  #: of the step's execution, or of the trigger
    verdict: Mapped[str]  #: what ``on_event`` answered, or what became of it at the trigger
    note: Mapped[str | None]
    key: Mapped[str | None]  #: what makes it the same event as others, to the trigger
    execution_id: Mapped[UUID | None]  #: that it has started
    decided_at: Mapped[datetime] = mapped_column(server_default=func.now())

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805 - a class, as SQLAlchemy asks
        """Say what tells rows apart: the table has no primary key, but one key for each kind."""
        return {"primary_key": ["delivery_id", "step_execution_id", "attempt", "trigger_id"]}
