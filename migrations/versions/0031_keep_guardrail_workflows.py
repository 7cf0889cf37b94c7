"""Keep guardrail deployment workflows, the pipelines that they start, and the models of rules.

Revision ID: 0031
Revises: 0030
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

NOW = sa.text("now()")
MOMENT = sa.DateTime(timezone=True)
PHASES = (
    *("collecting", "onboarding", "recommending", "deploying"),
    *("completed", "failed", "cancelling", "cancelled"),
)
STATUSES = ("running", "completed", "failed", "cancelled")
OWNER = sa.text("coalesce(user_id, '')")


def upgrade() -> None:
    """Apply."""
    _workflows()
    _runs()
    op.create_table(
        "guardrail_rule_models",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Text()),
        sa.Column("rule_id", sa.Text(), nullable=False),
        sa.Column("model_id", sa.Text(), nullable=False),
        sa.Column("updated_at", MOMENT, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_guardrail_rule_models"),
    )
    name = "uq_guardrail_rule_models"
    op.create_index(name, "guardrail_rule_models", [OWNER, "rule_id"], unique=True)


def _workflows() -> None:
    op.create_table(
        "guardrail_workflows",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Text()),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("current_step", sa.Integer(), nullable=False),
        sa.Column("total_steps", sa.Integer(), nullable=False),
        sa.Column("given", JSONB(), nullable=False),
        sa.Column("derived", JSONB(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("lock_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("request_key", sa.Text()),
        sa.Column("request_hash", sa.Text()),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("updated_at", MOMENT, server_default=NOW, nullable=False),
        sa.CheckConstraint(f"phase IN {PHASES!r}", name=op.f("ck_guardrail_workflows_phase")),
        sa.PrimaryKeyConstraint("id", name="pk_guardrail_workflows"),
    )
    op.create_index(
        "ix_guardrail_workflows_user_id_created_at",
        "guardrail_workflows",
        ["user_id", "created_at"],
    )
    op.create_index(
        "ix_guardrail_workflows_deployment_id",
        "guardrail_workflows",
        [sa.text("(derived ->> 'deployment_id')")],
        postgresql_where=sa.text("derived ? 'deployment_id'"),
    )
    op.create_index(
        "uq_guardrail_workflows_request_key",
        "guardrail_workflows",
        [OWNER, "request_key"],
        unique=True,
        postgresql_where=sa.text("request_key IS NOT NULL"),
    )


def _runs() -> None:
    op.create_table(
        "guardrail_runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workflow_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Text()),
        sa.Column("step_number", sa.Integer(), nullable=False),
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("execution_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("results", JSONB()),
        sa.Column("error", JSONB()),
        sa.Column("started_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.CheckConstraint(f"status IN {STATUSES!r}", name=op.f("ck_guardrail_runs_status")),
        sa.ForeignKeyConstraint(
            ["workflow_id"],
            ["guardrail_workflows.id"],
            name="fk_guardrail_runs_workflow_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_guardrail_runs"),
    )
    unique = {
        "uq_guardrail_runs_execution_id": ["execution_id"],
        "uq_guardrail_runs_number": ["workflow_id", "step_number", "number"],
    }
    for name, columns in unique.items():
        op.create_index(name, "guardrail_runs", columns, unique=True)
    is_open = sa.text("ended_at IS NULL")
    name = "uq_guardrail_runs_open"
    op.create_index(name, "guardrail_runs", ["workflow_id"], unique=True, postgresql_where=is_open)


def downgrade() -> None:
    """Take back; executions that were started stay."""
    op.drop_table("guardrail_rule_models")
    op.drop_table("guardrail_runs")
    op.drop_table("guardrail_workflows")
