"""Say when the time of an execution was up, and since when nothing of it may run any more.

Both columns are empty for what runs now, and the version before does not look at them.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("executions", sa.Column("overdue_since", sa.DateTime(timezone=True)))
    op.add_column("executions", sa.Column("forced_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Take back."""
    op.drop_column("executions", "forced_at")
    op.drop_column("executions", "overdue_since")
