"""Keep alert rules, and the alerts that they have raised.

Building the index of failed executions keeps those who write ``executions`` waiting for as long as
it takes to read that table once.

Revision ID: 0025
Revises: 0024
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

FAILED = "ix_executions_failed"
MOMENT = sa.DateTime(timezone=True)
NOW = sa.text("now()")


def upgrade() -> None:
    """Apply."""
    _create_rules()
    _create_alerts()
    op.create_index(
        FAILED,
        "executions",
        ["pipeline_id", "finished_at"],
        postgresql_where=sa.text("status = 'FAILED'"),
    )


def _create_rules() -> None:
    op.create_table(
        "alert_rules",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Text()),
        sa.Column("pipeline_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("after_seconds", sa.Float()),
        sa.Column("times_p95", sa.Float()),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("since", MOMENT, server_default=NOW, nullable=False),
        sa.Column("look_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("looked_at", MOMENT),
        sa.Column("usual_seconds", sa.Float()),
        sa.Column("usual_at", MOMENT),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("lock_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("updated_at", MOMENT, server_default=NOW, nullable=False),
        sa.CheckConstraint(
            "kind IN ('late', 'failed', 'parked')", name=op.f("ck_alert_rules_kind")
        ),
        sa.ForeignKeyConstraint(
            ["pipeline_id"],
            ["pipelines.id"],
            name=op.f("fk_alert_rules_pipeline_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_rules")),
    )
    op.create_index("ix_alert_rules_user_id", "alert_rules", ["user_id"])
    op.create_index("ix_alert_rules_pipeline_id", "alert_rules", ["pipeline_id"])
    enabled = sa.text("enabled")
    op.create_index("ix_alert_rules_look_at", "alert_rules", ["look_at"], postgresql_where=enabled)


def _create_alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("rule_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Text()),
        sa.Column("pipeline_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("execution_id", sa.Uuid(), nullable=False),
        sa.Column("step_execution_id", sa.BigInteger()),
        sa.Column("details", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("raised_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("resolved_at", MOMENT),
        sa.ForeignKeyConstraint(
            ["rule_id"], ["alert_rules.id"], name=op.f("fk_alerts_rule_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["execution_id"],
            ["executions.id"],
            name=op.f("fk_alerts_execution_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
    )
    found = ["rule_id", "execution_id", sa.text("coalesce(step_execution_id, 0)")]
    op.create_index("uq_alerts_found", "alerts", found, unique=True)
    is_open = sa.text("resolved_at IS NULL")
    op.create_index("ix_alerts_open", "alerts", ["rule_id"], postgresql_where=is_open)
    op.create_index("ix_alerts_execution_id", "alerts", ["execution_id"])
    op.create_index("ix_alerts_user_id", "alerts", ["user_id", "id"])


def downgrade() -> None:
    """Take back."""
    op.drop_index(FAILED, table_name="executions")
    op.drop_table("alerts")
    op.drop_table("alert_rules")
