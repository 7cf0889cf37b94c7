"""Index the open executions of each owner, which are counted when one is started near a quota.

Building it keeps writers waiting for as long as it takes to read the table once.

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_index(
        "ix_executions_open",
        "executions",
        [sa.text("coalesce(user_id, '')")],
        postgresql_where=sa.text("status IN ('PENDING', 'RUNNING')"),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_executions_open", table_name="executions")
