"""Make what a client calls its request a column beside its owner, instead of joining the two.

The column of the version before stays, with its index: it goes on reading and writing it.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("executions", sa.Column("request_key", sa.Text()))
    # The owner and a colon stood in front.
    op.execute(
        "UPDATE executions SET"
        " request_key = substr(idempotency_key, length(coalesce(user_id, '')) + 2)"
        " WHERE idempotency_key IS NOT NULL AND parent_step_id IS NULL"
    )
    op.create_index(
        "uq_executions_request_key",
        "executions",
        [sa.text("coalesce(user_id, '')"), "request_key"],
        unique=True,
        postgresql_where=sa.text("request_key IS NOT NULL"),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_index("uq_executions_request_key", table_name="executions")
    op.drop_column("executions", "request_key")
