"""Create the tables.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


class Xid8(sa.types.UserDefinedType):
    """PostgreSQL's 64-bit transaction id."""

    def get_col_spec(self, **_):
        """Name it in DDL."""
        return "xid8"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "transaction_id", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False
        ),
        sa.Column("execution_id", sa.Uuid(), nullable=False),
        sa.Column("step_execution_id", sa.BigInteger(), nullable=True),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column(
            "details", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.Column("progress_percentage", sa.Numeric(precision=5, scale=2), nullable=True),
        sa.Column("eta_seconds", sa.Integer(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index(
        "ix_events_execution_id", "events", ["execution_id", "transaction_id", "id"], unique=False
    )
    op.create_table(
        "inbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("delivery_key", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("step_execution_id", sa.BigInteger(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=True),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column(
            "body", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.Column("disposition", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "disposition IN ('pending', 'applied', 'closed', 'unmatched')",
            name=op.f("ck_inbox_disposition"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox")),
    )
    op.create_index(
        "ix_inbox_pending",
        "inbox",
        ["external_id"],
        unique=False,
        postgresql_where=sa.text("disposition = 'pending'"),
    )
    op.create_index("ix_inbox_received_at", "inbox", ["received_at"], unique=False)
    op.create_index("ix_inbox_step_execution_id", "inbox", ["step_execution_id"], unique=False)
    op.create_index(
        "uq_inbox_source_delivery_key", "inbox", ["source", "delivery_key"], unique=True
    )
    op.create_table(
        "pipelines",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("icon", sa.Text(), nullable=True),
        sa.Column("user_id", sa.Text(), nullable=True),
        sa.Column("system_owned", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("step_count", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("lock_version", sa.Integer(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "status IN ('DRAFT', 'ACTIVE', 'ARCHIVED')", name=op.f("ck_pipelines_status")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pipelines")),
    )
    op.create_index(
        "uq_pipelines_user_id_name",
        "pipelines",
        [sa.literal_column("coalesce(user_id, '')"), "name"],
        unique=True,
    )
    op.create_table(
        "pipeline_revisions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("pipeline_id", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column(
            "document", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["pipeline_id"],
            ["pipelines.id"],
            name=op.f("fk_pipeline_revisions_pipeline_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pipeline_revisions")),
    )
    op.create_index(
        "uq_pipeline_revisions_pipeline_id_revision",
        "pipeline_revisions",
        ["pipeline_id", "revision"],
        unique=True,
    )
    op.create_table(
        "executions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("pipeline_id", sa.Uuid(), nullable=True),
        sa.Column("revision_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="PENDING", nullable=False),
        sa.Column(
            "given_params",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=False,
        ),
        sa.Column(
            "params", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.Column("initiator", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=True),
        sa.Column(
            "callback_topics",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
        ),
        sa.Column("subscriber_ids", sa.Text(), nullable=True),
        sa.Column("payload_type", sa.Text(), nullable=True),
        sa.Column("notification_workflow_id", sa.Text(), nullable=True),
        sa.Column("parent_step_id", sa.BigInteger(), nullable=True),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("request_hash", sa.Text(), nullable=True),
        sa.Column("abort_reason", sa.Text(), nullable=True),
        sa.Column("cancel_requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "outputs", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.Column(
            "error", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.Column(
            "progress_percentage",
            sa.Numeric(precision=5, scale=2),
            server_default="0",
            nullable=False,
        ),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lock_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "status IN ('PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'INTERRUPTED')",
            name=op.f("ck_executions_status"),
        ),
        sa.CheckConstraint(
            "progress_percentage BETWEEN 0 AND 100", name=op.f("ck_executions_progress")
        ),
        sa.ForeignKeyConstraint(
            ["pipeline_id"],
            ["pipelines.id"],
            name=op.f("fk_executions_pipeline_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["pipeline_revisions.id"], name=op.f("fk_executions_revision_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_executions")),
    )
    op.create_index("ix_executions_created_at", "executions", ["created_at"], unique=False)
    op.create_index(
        "ix_executions_deadline_at",
        "executions",
        ["deadline_at"],
        unique=False,
        postgresql_where=sa.text("status IN ('PENDING', 'RUNNING')"),
    )
    op.create_index("ix_executions_finished_at", "executions", ["finished_at"], unique=False)
    op.create_index(
        "ix_executions_pipeline_id_created_at",
        "executions",
        ["pipeline_id", "created_at"],
        unique=False,
    )
    op.create_index("ix_executions_revision_id", "executions", ["revision_id"], unique=False)
    op.create_index(
        "ix_executions_user_id_created_at", "executions", ["user_id", "created_at"], unique=False
    )
    op.create_index(
        "ix_executions_status_created_at", "executions", ["status", "created_at"], unique=False
    )
    op.create_index(
        "uq_executions_idempotency_key",
        "executions",
        ["idempotency_key"],
        unique=True,
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )
    op.create_table(
        "step_executions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("execution_id", sa.Uuid(), nullable=False),
        sa.Column("step_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sequence_number", sa.Integer(), nullable=False),
        sa.Column("weight", sa.Double(), server_default="1", nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("item_index", sa.Integer(), nullable=True),
        sa.Column("item_key", sa.Text(), nullable=True),
        sa.Column("item", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("items_total", sa.Integer(), nullable=True),
        sa.Column("items_open", sa.Integer(), nullable=True),
        sa.Column("items_failed", sa.Integer(), nullable=True),
        sa.Column("items_tolerated", sa.Integer(), nullable=True),
        sa.Column("status", sa.Text(), server_default="PENDING", nullable=False),
        sa.Column("dependency_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("remaining", sa.Integer(), server_default="0", nullable=False),
        sa.Column("deps_succeeded", sa.Integer(), server_default="0", nullable=False),
        sa.Column("deps_failed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("deps_blocking", sa.Integer(), server_default="0", nullable=False),
        sa.Column("deps_branched", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "successors", postgresql.ARRAY(sa.BigInteger()), server_default="{}", nullable=False
        ),
        sa.Column("skip_reason", sa.Text(), nullable=True),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("cheap", sa.Boolean(), nullable=False),
        sa.Column("in_window", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("held", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("publish_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("retry_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lost_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("task_id", sa.Text(), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelling", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("awaiting_event", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("external_workflow_id", sa.Text(), nullable=True),
        sa.Column(
            "progress_percentage",
            sa.Numeric(precision=5, scale=2),
            server_default="0",
            nullable=False,
        ),
        sa.Column("eta_seconds", sa.Integer(), nullable=True),
        sa.Column(
            "outputs", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lock_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind IN ('step', 'item', 'compensation', 'handler', 'sink')",
            name=op.f("ck_step_executions_kind"),
        ),
        sa.CheckConstraint(
            "status IN ('PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'SKIPPED', 'RETRYING',"
            " 'TIMEOUT')",
            name=op.f("ck_step_executions_status"),
        ),
        sa.CheckConstraint(
            "progress_percentage BETWEEN 0 AND 100", name=op.f("ck_step_executions_progress")
        ),
        sa.CheckConstraint("remaining >= 0", name=op.f("ck_step_executions_remaining")),
        sa.ForeignKeyConstraint(
            ["execution_id"],
            ["executions.id"],
            name=op.f("fk_step_executions_execution_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"],
            ["step_executions.id"],
            name=op.f("fk_step_executions_parent_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_step_executions")),
        postgresql_with={"fillfactor": 70, "autovacuum_vacuum_scale_factor": 0.02},
    )
    op.create_index(
        "ix_step_executions_deadline",
        "step_executions",
        ["deadline_at"],
        unique=False,
        postgresql_where=sa.text("status = 'RUNNING' AND deadline_at IS NOT NULL"),
    )
    op.create_index(
        "ix_step_executions_due",
        "step_executions",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text(
            "status IN ('RETRYING', 'RUNNING', 'PENDING') AND due_at IS NOT NULL"
        ),
    )
    op.create_index(
        "ix_step_executions_execution_id",
        "step_executions",
        ["execution_id", "sequence_number"],
        unique=False,
    )
    op.create_index(
        "ix_step_executions_held",
        "step_executions",
        ["execution_id", "parent_id", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'PENDING' AND held"),
    )
    op.create_index(
        "ix_step_executions_leased",
        "step_executions",
        ["leased_until"],
        unique=False,
        postgresql_where=sa.text("status = 'RUNNING' AND leased_until IS NOT NULL"),
    )
    op.create_index(
        "ix_step_executions_queued",
        "step_executions",
        ["queued_at"],
        unique=False,
        postgresql_where=sa.text("status IN ('PENDING', 'RETRYING') AND queued_at IS NOT NULL"),
    )
    op.create_index(
        "ix_step_executions_window",
        "step_executions",
        ["execution_id"],
        unique=False,
        postgresql_where=sa.text("in_window"),
    )
    op.create_index(
        "uq_step_executions_execution_id_step_id",
        "step_executions",
        ["execution_id", "step_id"],
        unique=True,
        postgresql_where=sa.text("parent_id IS NULL"),
    )
    op.create_index(
        "uq_step_executions_parent_id_item_index",
        "step_executions",
        ["parent_id", "item_index"],
        unique=True,
        postgresql_where=sa.text("parent_id IS NOT NULL"),
    )
    op.create_table(
        "correlations",
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("step_execution_id", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["step_execution_id"],
            ["step_executions.id"],
            name=op.f("fk_correlations_step_execution_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("external_id", "step_execution_id", name=op.f("pk_correlations")),
    )
    op.create_index(
        "ix_correlations_step_execution_id", "correlations", ["step_execution_id"], unique=False
    )


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_correlations_step_execution_id", table_name="correlations")
    op.drop_table("correlations")
    op.drop_index(
        "uq_step_executions_parent_id_item_index",
        table_name="step_executions",
        postgresql_where=sa.text("parent_id IS NOT NULL"),
    )
    op.drop_index(
        "uq_step_executions_execution_id_step_id",
        table_name="step_executions",
        postgresql_where=sa.text("parent_id IS NULL"),
    )
    op.drop_index(
        "ix_step_executions_window",
        table_name="step_executions",
        postgresql_where=sa.text("in_window"),
    )
    op.drop_index(
        "ix_step_executions_queued",
        table_name="step_executions",
        postgresql_where=sa.text("status IN ('PENDING', 'RETRYING') AND queued_at IS NOT NULL"),
    )
    op.drop_index(
        "ix_step_executions_leased",
        table_name="step_executions",
        postgresql_where=sa.text("status = 'RUNNING' AND leased_until IS NOT NULL"),
    )
    op.drop_index(
        "ix_step_executions_held",
        table_name="step_executions",
        postgresql_where=sa.text("status = 'PENDING' AND held"),
    )
    op.drop_index("ix_step_executions_execution_id", table_name="step_executions")
    op.drop_index(
        "ix_step_executions_due",
        table_name="step_executions",
        postgresql_where=sa.text(
            "status IN ('RETRYING', 'RUNNING', 'PENDING') AND due_at IS NOT NULL"
        ),
    )
    op.drop_index(
        "ix_step_executions_deadline",
        table_name="step_executions",
        postgresql_where=sa.text("status = 'RUNNING' AND deadline_at IS NOT NULL"),
    )
    op.drop_table("step_executions")
    op.drop_index(
        "uq_executions_idempotency_key",
        table_name="executions",
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )
    op.drop_index("ix_executions_user_id_created_at", table_name="executions")
    op.drop_index("ix_executions_status_created_at", table_name="executions")
    op.drop_index("ix_executions_revision_id", table_name="executions")
    op.drop_index("ix_executions_pipeline_id_created_at", table_name="executions")
    op.drop_index("ix_executions_finished_at", table_name="executions")
    op.drop_index(
        "ix_executions_deadline_at",
        table_name="executions",
        postgresql_where=sa.text("status IN ('PENDING', 'RUNNING')"),
    )
    op.drop_index("ix_executions_created_at", table_name="executions")
    op.drop_table("executions")
    op.drop_index("uq_pipeline_revisions_pipeline_id_revision", table_name="pipeline_revisions")
    op.drop_table("pipeline_revisions")
    op.drop_index("uq_pipelines_user_id_name", table_name="pipelines")
    op.drop_table("pipelines")
    op.drop_index("uq_inbox_source_delivery_key", table_name="inbox")
    op.drop_index("ix_inbox_step_execution_id", table_name="inbox")
    op.drop_index("ix_inbox_received_at", table_name="inbox")
    op.drop_index(
        "ix_inbox_pending", table_name="inbox", postgresql_where=sa.text("disposition = 'pending'")
    )
    op.drop_table("inbox")
    op.drop_index("ix_events_execution_id", table_name="events")
    op.drop_table("events")
