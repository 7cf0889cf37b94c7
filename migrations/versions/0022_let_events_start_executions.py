"""Keep event triggers, what they have collected, and what each made of each delivery.

A delivery has targets that are no steps from now on. The version before writes and reads those of
steps as it did. Building the index that takes the place of the primary key keeps those who write
``delivery_targets`` waiting for as long as it takes to read that table once.

Revision ID: 0022
Revises: 0021
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

TABLE = "delivery_targets"
STEP = ["delivery_id", "step_execution_id", "attempt"]
OF_TRIGGERS = (
    ("uq_delivery_targets_trigger", ["trigger_id", "delivery_id"], "trigger_id IS NOT NULL"),
    ("ix_delivery_targets_pending", ["trigger_id", "delivery_id"], "verdict = 'pending'"),
    ("ix_delivery_targets_collected", ["trigger_id", "key"], "verdict = 'collected'"),
    (
        "ix_delivery_targets_fired",
        ["trigger_id", "key"],
        "verdict = 'fired' AND key IS NOT NULL",
    ),
)


def upgrade() -> None:
    """Apply."""
    _create_triggers()
    _create_windows()
    op.create_index("uq_delivery_targets_step", TABLE, STEP, unique=True)
    op.drop_constraint("pk_delivery_targets", TABLE)
    for name in ("step_execution_id", "attempt"):
        op.alter_column(TABLE, name, nullable=True)
    op.add_column(TABLE, sa.Column("trigger_id", sa.Uuid()))
    op.add_column(TABLE, sa.Column("key", sa.Text()))
    op.add_column(TABLE, sa.Column("execution_id", sa.Uuid()))
    op.create_check_constraint(
        op.f("ck_delivery_targets_is_step_or_trigger"),
        TABLE,
        "(trigger_id IS NULL) = (step_execution_id IS NOT NULL)",
    )
    for name, columns, where in OF_TRIGGERS:
        op.create_index(
            name,
            TABLE,
            columns,
            unique=name.startswith("uq"),
            postgresql_where=sa.text(where),
        )


def _create_triggers() -> None:
    moment, json = sa.DateTime(timezone=True), postgresql.JSONB(none_as_null=True)
    now = sa.text("now()")
    op.create_table(
        "event_triggers",
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("config", json, nullable=False),
        sa.Column("last_triggered_at", moment),
        sa.Column("trigger_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Text()),
        sa.Column("authority", json, nullable=False),
        sa.Column("pipeline_id", sa.Uuid()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("params", json, nullable=False),
        sa.Column("sealed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("disabled_reason", sa.Text()),
        sa.Column("callback_topics", json),
        sa.Column("subscriber_ids", sa.Text()),
        sa.Column("payload_type", sa.Text()),
        sa.Column("notification_workflow_id", sa.Text()),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("lock_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", moment, server_default=now, nullable=False),
        sa.Column("updated_at", moment, server_default=now, nullable=False),
        sa.ForeignKeyConstraint(
            ["pipeline_id"],
            ["pipelines.id"],
            name=op.f("fk_event_triggers_pipeline_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_triggers")),
    )
    op.create_index("ix_event_triggers_pipeline_id", "event_triggers", ["pipeline_id"])
    op.create_index("ix_event_triggers_user_id", "event_triggers", ["user_id"])
    op.create_index(
        "ix_event_triggers_offered",
        "event_triggers",
        [sa.text("coalesce(user_id, '')"), "event_type"],
        postgresql_where=sa.text("enabled"),
    )


def _create_windows() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "event_trigger_windows",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("trigger_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("quiet_seconds", sa.Float(), nullable=False),
        sa.Column("max_wait_seconds", sa.Float()),
        sa.Column("first_at", moment, nullable=False),
        sa.Column("last_at", moment, nullable=False),
        sa.Column("due_at", moment, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last_delivery_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["trigger_id"],
            ["event_triggers.id"],
            name=op.f("fk_event_trigger_windows_trigger_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_trigger_windows")),
    )
    op.create_index(
        "uq_event_trigger_windows_trigger_id_key",
        "event_trigger_windows",
        ["trigger_id", "key"],
        unique=True,
    )
    op.create_index("ix_event_trigger_windows_due_at", "event_trigger_windows", ["due_at"])


def downgrade() -> None:
    """Take back; what event triggers made of deliveries is forgotten."""
    for name, _, _ in OF_TRIGGERS:
        op.drop_index(name, table_name=TABLE)
    op.execute("DELETE FROM delivery_targets WHERE trigger_id IS NOT NULL")
    op.drop_constraint(op.f("ck_delivery_targets_is_step_or_trigger"), TABLE)
    for name in ("execution_id", "key", "trigger_id"):
        op.drop_column(TABLE, name)
    op.create_primary_key("pk_delivery_targets", TABLE, STEP)
    op.drop_index("uq_delivery_targets_step", table_name=TABLE)
    op.drop_table("event_trigger_windows")
    op.drop_table("event_triggers")
