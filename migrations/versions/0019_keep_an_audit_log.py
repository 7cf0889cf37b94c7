"""Keep an audit log, which grows and is never changed.

The version before knows nothing of it: what is done through that one leaves no record.

Revision ID: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

# Whoever may delete by this function need not be allowed to delete from the table. It keeps the
# last day whatever it is told, and the triggers let nobody delete who does not come through it.
FORGET = """
CREATE FUNCTION forget_audit_log(before timestamptz, most bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
SET pipeline_engine.forgets_audit_log TO 'yes' AS $$
DECLARE
  forgotten bigint;
BEGIN
  IF before > now() - interval '1 day' THEN
    RAISE EXCEPTION 'The last day of the audit log is kept' USING ERRCODE = '42501';
  END IF;
  DELETE FROM audit_log WHERE id IN
    (SELECT id FROM audit_log WHERE at < before ORDER BY id LIMIT most);
  GET DIAGNOSTICS forgotten = ROW_COUNT;
  RETURN forgotten;
END $$
"""
KEEP = """
CREATE FUNCTION keep_audit_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND current_setting('pipeline_engine.forgets_audit_log', true) = 'yes' THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION 'The audit log only grows: % is refused', TG_OP USING ERRCODE = '42501';
END $$
"""
TRIGGER = """
CREATE TRIGGER keep_audit_log BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
FOR EACH STATEMENT EXECUTE FUNCTION keep_audit_log()
"""


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "audit_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("principal", sa.Text(), nullable=True),
        sa.Column("acted_for", sa.Text(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("target", sa.Text(), nullable=True),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("details", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.CheckConstraint(
            "result IN ('done', 'refused', 'failed')", name=op.f("ck_audit_log_result")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    for name, columns, where in (
        ("ix_audit_log_principal_id", ["principal", "id"], None),
        ("ix_audit_log_act_id", ["act", "id"], None),
        ("ix_audit_log_owner_id", ["owner", "id"], "owner IS NOT NULL"),
        ("ix_audit_log_target_id", ["target", "id"], "target IS NOT NULL"),
        ("ix_audit_log_not_done", ["result", "id"], "result <> 'done'"),
    ):
        only = None if where is None else sa.text(where)
        op.create_index(name, "audit_log", columns, postgresql_where=only)
    op.create_index("ix_audit_log_at", "audit_log", ["at"], postgresql_using="brin")
    op.execute(FORGET)
    op.execute(KEEP)
    op.execute(TRIGGER)


def downgrade() -> None:
    """Take back."""
    op.execute("DROP FUNCTION forget_audit_log")
    op.drop_table("audit_log")
    op.execute("DROP FUNCTION keep_audit_log")
