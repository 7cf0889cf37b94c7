"""Let the audit log record some acts once, such as the use of a secret by an execution.

Index its time as such, too: what one finds by a block of pages is in no order.

Revision ID: 0020
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("audit_log", sa.Column("once", sa.Text(), nullable=True))
    op.drop_index("ix_audit_log_at", table_name="audit_log")
    op.create_index("ix_audit_log_at", "audit_log", ["at"])
    op.create_index(
        "uq_audit_log_once",
        "audit_log",
        ["once"],
        unique=True,
        postgresql_where=sa.text("once IS NOT NULL"),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_index("uq_audit_log_once", table_name="audit_log")
    op.drop_column("audit_log", "once")
    op.drop_index("ix_audit_log_at", table_name="audit_log")
    op.create_index("ix_audit_log_at", "audit_log", ["at"], postgresql_using="brin")
