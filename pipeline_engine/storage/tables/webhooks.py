"""Webhooks: doors for third parties, their secrets, and what came in by them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from pipeline_engine.storage.tables.base import Base, Json, counted_key, one_of, uuid_key
from pipeline_engine.storage.tables.standing_orders import StandingOrder


class Webhook(StandingOrder, Base):
    """A standing order that is followed whenever somebody calls its address."""

    __tablename__ = "webhooks"
    __table_args__ = (Index("ix_webhooks_user_id_created_at", "user_id", "created_at"),)

    config: Mapped[dict[str, Json]]  #: ``domain/webhooks/config.py``
    last_triggered_at: Mapped[datetime | None]
    trigger_count: Mapped[int] = mapped_column(default=0, server_default="0")


class WebhookSecret(Base):
    """A secret of a webhook: a hash to know it again, and the sealed text to check signatures."""

    __tablename__ = "webhook_secrets"
    __table_args__ = (Index("ix_webhook_secrets_webhook_id", "webhook_id"),)

    id: Mapped[uuid_key]
    webhook_id: Mapped[UUID] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"))
    digest: Mapped[str]  #: SHA-256, in hexadecimal digits
    sealed: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    created_by: Mapped[str]
    expires_at: Mapped[datetime | None]  #: null: not before it is rotated
    revoked_at: Mapped[datetime | None]


class DeliveryOutcome(StrEnum):
    """What became of what came in by a webhook."""

    PENDING = "pending"  #: kept, and about to be started by a worker
    STARTED = "started"
    REFUSED = "refused"  #: nothing could be started with it; ``code`` says why
    DUPLICATE = "duplicate"  #: the same came before; it was noticed after the answer only


PENDING = "outcome = 'pending'"


class WebhookDelivery(Base):
    """One request that was answered with 2xx, as it came. The row is its own outbox."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        CheckConstraint(one_of("outcome", DeliveryOutcome), name="outcome"),
        Index(
            "uq_webhook_deliveries_key",
            "webhook_id",
            "key",
            unique=True,
            postgresql_where=text("key IS NOT NULL"),
        ),
        Index(
            "uq_webhook_deliveries_body_key",
            "webhook_id",
            "body_key",
            unique=True,
            postgresql_where=text("body_key IS NOT NULL"),
        ),
        # One that is drained from the spool twice is kept once, whether it has a key or not.
        Index("uq_webhook_deliveries_execution_id", "execution_id", unique=True),
        Index("ix_webhook_deliveries_webhook_id", "webhook_id", "id"),
        Index("ix_webhook_deliveries_pending", "queued_at", postgresql_where=text(PENDING)),
        Index("ix_webhook_deliveries_received_at", "received_at"),
    )

    id: Mapped[counted_key]
    webhook_id: Mapped[UUID] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"))
    owner: Mapped[str | None]  #: of the webhook
    execution_id: Mapped[UUID]  #: chosen when it came; there is one once it is started
    key: Mapped[str | None]  #: makes it the same as another of its webhook
    body_key: Mapped[str | None]  #: the same by its body, as long as that counts
    body_digest: Mapped[str]
    raw: Mapped[bytes]  #: the body, byte for byte
    content_type: Mapped[str]
    headers: Mapped[dict[str, Json]]  #: without those that hold secrets
    query: Mapped[dict[str, Json]]
    address: Mapped[str | None]
    form: Mapped[str | None]  #: how its sender has proven the secret; null: it did not have to
    sent_at: Mapped[datetime | None]  #: what its sender says, and has signed
    is_test: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    outcome: Mapped[str] = mapped_column(default="pending", server_default="pending")
    code: Mapped[str | None]
    message: Mapped[str | None]
    tries: Mapped[int] = mapped_column(default=0, server_default="0")  #: that broke off
    duplicates: Mapped[int] = mapped_column(default=0, server_default="0")  #: that came later
    conflicts: Mapped[int] = mapped_column(default=0, server_default="0")  #: with another body
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())
    queued_at: Mapped[datetime] = mapped_column(server_default=func.now())
    settled_at: Mapped[datetime | None]
