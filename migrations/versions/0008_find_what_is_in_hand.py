"""Find the blocking steps of a queue that nobody runs yet.

The version before does not look for them.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

NAME = "ix_step_executions_queued_blocking"
WHERE = "status IN ('PENDING', 'RETRYING') AND queued_at IS NOT NULL AND NOT cheap"


def upgrade() -> None:
    """Apply."""
    op.create_index(
        NAME, "step_executions", ["queue", "queued_at"], postgresql_where=sa.text(WHERE)
    )


def downgrade() -> None:
    """Take back."""
    op.drop_index(NAME, table_name="step_executions")
