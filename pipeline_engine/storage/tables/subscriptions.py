"""Subscriptions: cursors over the history; and the messages that have a story of their own."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from pipeline_engine.domain.subscriptions import (
    Format,
    MessageStatus,
    Origin,
    Reach,
    SubscriptionStatus,
    TargetType,
)
from pipeline_engine.storage.tables.base import (
    Base,
    Json,
    Timestamped,
    counted_key,
    one_of,
    uuid_key,
)
from pipeline_engine.storage.tables.events import TransactionId

UNIQUE_NAME = "uq_subscriptions_name"
ACTIVE = "status = 'active'"
NEWS = "news_before > cursor_transaction"


class Subscription(Timestamped, Base):
    """Somebody who is told of events.

    What comes in the history before the cursor is sent, or has a row among the messages. If
    ``news_before`` is not behind the cursor, no event between them and the reader is for it.
    """

    __tablename__ = "subscriptions"
    __table_args__ = (
        CheckConstraint(one_of("status", SubscriptionStatus), name="status"),
        CheckConstraint(one_of("reach", Reach), name="reach"),
        CheckConstraint(one_of("format", Format), name="format"),
        CheckConstraint(one_of("target", TargetType), name="target"),
        CheckConstraint("expires_at > created_at", name="expiry"),
        Index("ix_subscriptions_user_id_created_at", "user_id", "created_at"),
        # Definitions name them.
        Index(UNIQUE_NAME, text("coalesce(user_id, '')"), "name", unique=True),
        Index("ix_subscriptions_pipeline_id", "pipeline_id"),
        # A topic that an execution names twice is one subscription.
        Index(
            "uq_subscriptions_topic",
            "execution_id",
            "target",
            "address",
            unique=True,
            postgresql_where=text("by_execution"),
        ),
        Index("ix_subscriptions_execution_id", "execution_id"),
        # What the reader asks: whom an event concerns, and where the last of all cursors is.
        Index(
            "ix_subscriptions_wide",
            text("coalesce(user_id, '')"),
            postgresql_where=text(f"{ACTIVE} AND reach <> 'execution'"),
        ),
        Index("ix_subscriptions_cursor", "cursor_transaction", postgresql_where=text(ACTIVE)),
        # What senders ask: whose turn it is.
        Index(
            "ix_subscriptions_due",
            "not_before",
            postgresql_where=text(f"{ACTIVE} AND ({NEWS} OR retry_at IS NOT NULL)"),
        ),
        Index("ix_subscriptions_tests", "id", postgresql_where=text("has_test")),
        Index(
            "ix_subscriptions_expires_at",
            "expires_at",
            postgresql_where=text("status IN ('active', 'paused', 'failed')"),
        ),
    )

    id: Mapped[uuid_key]
    user_id: Mapped[str | None]  #: its owner, of whose executions it tells; null is the system
    name: Mapped[str | None]
    reach: Mapped[str]
    execution_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("executions.id", ondelete="CASCADE")
    )
    #: the one that it is of, or that of its execution
    pipeline_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("pipelines.id", ondelete="SET NULL")
    )
    #: made of a topic that its execution was started with
    by_execution: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    event_types: Mapped[list[Json] | None]  #: as its owner has asked for them; null is all
    heard: Mapped[list[str] | None] = mapped_column(ARRAY(Text))  #: kinds of events; null is all
    format: Mapped[str]
    target: Mapped[str]
    address: Mapped[str]
    max_length: Mapped[int | None]  #: of a stream
    secret: Mapped[str | None]  #: sealed; null for targets that are not signed for
    old_secret: Mapped[str | None]  #: sealed; signs, too, until ``old_secret_until``
    old_secret_until: Mapped[datetime | None]
    status: Mapped[str] = mapped_column(default="active", server_default="active")
    reason: Mapped[str | None]  #: why it is not active
    expires_at: Mapped[datetime | None]

    cursor_transaction: Mapped[int] = mapped_column(TransactionId)
    cursor_event: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    #: an event of a transaction before this one may be for it
    news_before: Mapped[int] = mapped_column(TransactionId)
    #: up to here it is told what it was told before
    replay_transaction: Mapped[int | None] = mapped_column(TransactionId)
    not_before: Mapped[datetime] = mapped_column(server_default=func.now())
    retry_at: Mapped[datetime | None]  #: when a message of its own has its next try
    has_test: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    leased_until: Mapped[datetime | None]  #: after its turn: when that was
    leased_by: Mapped[str | None]

    failures: Mapped[int] = mapped_column(default=0, server_default="0")  #: in a row
    dead_in_a_row: Mapped[int] = mapped_column(default=0, server_default="0")
    last_sent_at: Mapped[datetime | None]
    last_failed_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
    created_by: Mapped[str]
    lock_version: Mapped[int] = mapped_column(default=1, server_default="1")


class SubscriptionMessage(Base):
    """A message that waits for its next try, was given up, or was among the last that were sent."""

    __tablename__ = "subscription_messages"
    __table_args__ = (
        CheckConstraint(one_of("status", MessageStatus), name="status"),
        CheckConstraint(one_of("origin", Origin), name="origin"),
        Index("uq_subscription_messages_message_id", "subscription_id", "message_id", unique=True),
        Index(
            "ix_subscription_messages_waiting",
            "subscription_id",
            "event_transaction",
            "event_id",
            postgresql_where=text("status = 'waiting'"),
        ),
        Index("ix_subscription_messages_settled", "subscription_id", "status", "id"),
        Index(
            "ix_subscription_messages_settled_at",
            "settled_at",
            postgresql_where=text("status <> 'waiting'"),
        ),
    )

    id: Mapped[counted_key]
    subscription_id: Mapped[UUID] = mapped_column(
        ForeignKey("subscriptions.id", ondelete="CASCADE")
    )
    message_id: Mapped[str]  #: the receiver knows it by this one
    origin: Mapped[str]
    #: later messages of its execution wait behind it
    in_order: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    status: Mapped[str]
    event_type: Mapped[str]
    execution_id: Mapped[UUID | None]
    event_transaction: Mapped[int] = mapped_column(TransactionId)
    event_id: Mapped[int] = mapped_column(BigInteger)
    body: Mapped[str]  #: the same on every try
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    #: the last of them: ``{at, seconds, status_code, error}``
    tries: Mapped[list[Json]] = mapped_column(server_default=text("'[]'"))
    note: Mapped[str | None]  #: why it was given up
    due_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    settled_at: Mapped[datetime | None]


class HistoryReader(Base):
    """How far somebody who goes through the history for all has come: a reader, or retention."""

    __tablename__ = "history_readers"

    name: Mapped[str] = mapped_column(primary_key=True)
    transaction_id: Mapped[int] = mapped_column(TransactionId)
