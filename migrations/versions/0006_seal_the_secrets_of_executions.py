"""Say of an execution whether texts in its params are sealed.

Workers of the version before read sealed texts as they are: update them before the web processes.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "executions",
        sa.Column("sealed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )


def downgrade() -> None:
    """Take back; params stay sealed."""
    op.drop_column("executions", "sealed")
