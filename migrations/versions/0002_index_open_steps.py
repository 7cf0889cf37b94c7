"""Index the open steps of an execution, for whoever explains what it waits for.

Building it keeps writers waiting for as long as it takes to read the table once.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_index(
        "ix_step_executions_open",
        "step_executions",
        ["execution_id", "status", "id"],
        postgresql_where=sa.text("status IN ('PENDING', 'RETRYING', 'RUNNING')"),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_step_executions_open", table_name="step_executions")
