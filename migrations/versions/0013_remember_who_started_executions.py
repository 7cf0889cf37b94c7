"""Remember who started an execution, and with which rights.

The version before stores no authority, and what it starts may do what it could do then.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    column = sa.Column("authority", postgresql.JSONB(none_as_null=True), nullable=True)
    op.add_column("executions", column)


def downgrade() -> None:
    """Take back."""
    op.drop_column("executions", "authority")
