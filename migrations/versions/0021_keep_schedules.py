"""Keep schedules, and a ledger of what became of each of their due times.

The version before does not know them, so it fires nothing: what was due is decided when this one
runs again.

Revision ID: 0021
Revises: 0020
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
NOW = sa.text("now()")
YES, NO = sa.text("true"), sa.text("false")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "schedules",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Text()),
        sa.Column("authority", JSONB(), nullable=False),
        sa.Column("pipeline_id", sa.Uuid()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("params", JSONB(), nullable=False),
        sa.Column("sealed", sa.Boolean(), server_default=NO, nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=YES, nullable=False),
        sa.Column("disabled_reason", sa.Text()),
        sa.Column("callback_topics", JSONB()),
        sa.Column("subscriber_ids", sa.Text()),
        sa.Column("payload_type", sa.Text()),
        sa.Column("notification_workflow_id", sa.Text()),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("lock_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("updated_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("expression", sa.Text()),
        sa.Column("timezone", sa.Text(), server_default="UTC", nullable=False),
        sa.Column("run_at", MOMENT),
        sa.Column("dst_missing", sa.Text()),
        sa.Column("dst_doubled", sa.Text()),
        sa.Column("jitter_seconds", sa.Integer(), server_default="0", nullable=False),
        sa.Column("starts_at", MOMENT),
        sa.Column("expires_at", MOMENT),
        sa.Column("max_runs", sa.Integer()),
        sa.Column("misfire", sa.Text(), server_default="last", nullable=False),
        sa.Column("catch_up_seconds", sa.Integer()),
        sa.Column("overlap", sa.Text(), server_default="allow", nullable=False),
        sa.Column("pause_after_failures", sa.Integer()),
        sa.Column("anchor_at", MOMENT, nullable=False),
        sa.Column("settled_at", MOMENT, nullable=False),
        sa.Column("next_due_at", MOMENT),
        sa.Column("next_fire_at", MOMENT),
        sa.Column("zone_release", sa.Text(), nullable=False),
        sa.Column("seen_due_at", MOMENT),
        sa.Column("trusted_since", MOMENT, server_default=NOW, nullable=False),
        sa.Column("run_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_run_at", MOMENT),
        sa.Column("last_execution_id", sa.Uuid()),
        sa.Column("ended", sa.Text()),
        sa.CheckConstraint(
            "kind IN ('cron', 'interval', 'one_time', 'manual')", name=op.f("ck_schedules_kind")
        ),
        sa.CheckConstraint("ended IN ('expired', 'completed')", name=op.f("ck_schedules_ended")),
        sa.ForeignKeyConstraint(
            ["pipeline_id"],
            ["pipelines.id"],
            name=op.f("fk_schedules_pipeline_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedules")),
    )
    op.create_index("ix_schedules_pipeline_id", "schedules", ["pipeline_id"])
    op.create_index("ix_schedules_user_id_created_at", "schedules", ["user_id", "created_at"])
    op.create_index(
        "ix_schedules_next_fire_at",
        "schedules",
        ["next_fire_at"],
        postgresql_where=sa.text("enabled AND next_fire_at IS NOT NULL"),
    )
    _create_the_ledger()


def _create_the_ledger() -> None:
    op.create_table(
        "schedule_fires",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("schedule_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("origin", sa.Text(), server_default="clock", nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("execution_id", sa.Uuid()),
        sa.Column("late_seconds", sa.Float(), nullable=False),
        sa.Column("schedule_version", sa.Integer(), nullable=False),
        sa.Column("until_at", MOMENT),
        sa.Column("count", sa.Integer(), server_default="1", nullable=False),
        sa.Column("ended_as", sa.Text()),
        sa.Column("recorded_at", MOMENT, server_default=NOW, nullable=False),
        sa.CheckConstraint(
            "outcome IN ('fired', 'queued', 'skipped', 'merged', 'failed')",
            name=op.f("ck_schedule_fires_outcome"),
        ),
        sa.CheckConstraint(
            "origin IN ('clock', 'backfill', 'manual')", name=op.f("ck_schedule_fires_origin")
        ),
        sa.ForeignKeyConstraint(
            ["schedule_id"],
            ["schedules.id"],
            name=op.f("fk_schedule_fires_schedule_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule_fires")),
    )
    op.create_index(
        "uq_schedule_fires_schedule_id_due_at",
        "schedule_fires",
        ["schedule_id", "due_at"],
        unique=True,
    )
    for name, condition in {
        "ix_schedule_fires_open": "outcome = 'fired' AND ended_as IS NULL",
        "ix_schedule_fires_queued": "outcome = 'queued'",
    }.items():
        op.create_index(
            name, "schedule_fires", ["schedule_id"], postgresql_where=sa.text(condition)
        )
    op.create_index(
        "ix_schedule_fires_recorded_at",
        "schedule_fires",
        ["recorded_at"],
        postgresql_using="brin",
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("schedule_fires")
    op.drop_table("schedules")
