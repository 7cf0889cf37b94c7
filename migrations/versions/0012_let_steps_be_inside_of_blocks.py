"""Let steps be inside of blocks.

The version before makes no such rows, and leaves those that it meets to the new one.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLE = "step_executions"


def upgrade() -> None:
    """Apply."""
    op.add_column(TABLE, sa.Column("enclosing", postgresql.ARRAY(sa.BigInteger()), nullable=True))
    op.add_column(TABLE, sa.Column("within", sa.Text(), nullable=True))


def downgrade() -> None:
    """Take back."""
    op.drop_column(TABLE, "within")
    op.drop_column(TABLE, "enclosing")
