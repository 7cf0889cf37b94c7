"""Keep subscriptions and their messages, and let readers find what is new in the history.

Revision ID: 0024
Revises: 0023
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import UserDefinedType

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

NEWS = "ix_events_transaction_id"
MOMENT = sa.DateTime(timezone=True)
ACTIVE = "status = 'active'"


class TransactionId(UserDefinedType):
    """PostgreSQL's ``xid8``."""

    cache_ok = True

    def get_col_spec(self, **_):
        return "xid8"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "history_readers",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("transaction_id", TransactionId(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_history_readers")),
    )
    _subscriptions()
    _messages()
    op.create_index(NEWS, "events", ["transaction_id"])


def _subscriptions() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Text()),
        sa.Column("name", sa.Text()),
        sa.Column("reach", sa.Text(), nullable=False),
        sa.Column("execution_id", sa.Uuid()),
        sa.Column("pipeline_id", sa.Uuid()),
        sa.Column("by_execution", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("event_types", postgresql.JSONB(none_as_null=True)),
        sa.Column("heard", postgresql.ARRAY(sa.Text())),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("max_length", sa.Integer()),
        sa.Column("secret", sa.Text()),
        sa.Column("old_secret", sa.Text()),
        sa.Column("old_secret_until", MOMENT),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("expires_at", MOMENT),
        sa.Column("cursor_transaction", TransactionId(), nullable=False),
        sa.Column("cursor_event", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("news_before", TransactionId(), nullable=False),
        sa.Column("replay_transaction", TransactionId()),
        sa.Column("not_before", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("retry_at", MOMENT),
        sa.Column("has_test", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("leased_until", MOMENT),
        sa.Column("leased_by", sa.Text()),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("dead_in_a_row", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_sent_at", MOMENT),
        sa.Column("last_failed_at", MOMENT),
        sa.Column("last_error", sa.Text()),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("lock_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "status IN ('active', 'paused', 'expired', 'failed')",
            name=op.f("ck_subscriptions_status"),
        ),
        sa.CheckConstraint(
            "reach IN ('execution', 'pipeline', 'owner')", name=op.f("ck_subscriptions_reach")
        ),
        sa.CheckConstraint(
            "format IN ('event', 'reference')", name=op.f("ck_subscriptions_format")
        ),
        sa.CheckConstraint(
            "target IN ('http', 'redis_channel', 'redis_stream', 'dapr')",
            name=op.f("ck_subscriptions_target"),
        ),
        sa.CheckConstraint("expires_at > created_at", name=op.f("ck_subscriptions_expiry")),
        sa.ForeignKeyConstraint(
            ["execution_id"],
            ["executions.id"],
            name=op.f("fk_subscriptions_execution_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["pipeline_id"],
            ["pipelines.id"],
            name=op.f("fk_subscriptions_pipeline_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriptions")),
    )
    _indexes_of_subscriptions()


def _indexes_of_subscriptions() -> None:
    def index(name: str, *columns: object, where: str | None = None, unique: bool = False) -> None:
        condition = None if where is None else sa.text(where)
        op.create_index(
            name, "subscriptions", list(columns), unique=unique, postgresql_where=condition
        )

    index("ix_subscriptions_user_id_created_at", "user_id", "created_at")
    index("ix_subscriptions_pipeline_id", "pipeline_id")
    index("ix_subscriptions_execution_id", "execution_id")
    topic = ("execution_id", "target", "address")
    index("uq_subscriptions_topic", *topic, where="by_execution", unique=True)
    wide = f"{ACTIVE} AND reach <> 'execution'"
    index("ix_subscriptions_wide", sa.text("coalesce(user_id, '')"), where=wide)
    index("ix_subscriptions_cursor", "cursor_transaction", where=ACTIVE)
    due = f"{ACTIVE} AND (news_before > cursor_transaction OR retry_at IS NOT NULL)"
    index("ix_subscriptions_due", "not_before", where=due)
    index("ix_subscriptions_tests", "id", where="has_test")
    alive = "status IN ('active', 'paused', 'failed')"
    index("ix_subscriptions_expires_at", "expires_at", where=alive)


def _messages() -> None:
    op.create_table(
        "subscription_messages",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("in_order", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("execution_id", sa.Uuid()),
        sa.Column("event_transaction", TransactionId(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "tries",
            postgresql.JSONB(none_as_null=True),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
        sa.Column("note", sa.Text()),
        sa.Column("due_at", MOMENT),
        sa.Column("created_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("settled_at", MOMENT),
        sa.CheckConstraint(
            "status IN ('waiting', 'sent', 'dead')", name=op.f("ck_subscription_messages_status")
        ),
        sa.CheckConstraint(
            "origin IN ('event', 'replay', 'test')", name=op.f("ck_subscription_messages_origin")
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscriptions.id"],
            name=op.f("fk_subscription_messages_subscription_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription_messages")),
    )
    table = "subscription_messages"
    key = ["subscription_id", "message_id"]
    op.create_index("uq_subscription_messages_message_id", table, key, unique=True)
    op.create_index(
        "ix_subscription_messages_waiting",
        table,
        ["subscription_id", "event_transaction", "event_id"],
        postgresql_where=sa.text("status = 'waiting'"),
    )
    settled = ["subscription_id", "status", "id"]
    op.create_index("ix_subscription_messages_settled", table, settled)
    op.create_index(
        "ix_subscription_messages_settled_at",
        table,
        ["settled_at"],
        postgresql_where=sa.text("status <> 'waiting'"),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_index(NEWS, table_name="events")
    op.drop_table("subscription_messages")
    op.drop_table("subscriptions")
    op.drop_table("history_readers")
