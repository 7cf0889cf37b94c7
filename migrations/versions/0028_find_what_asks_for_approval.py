"""Find the steps that ask people for a yes or a no.

The index is made while others write; building it reads the steps once.

Revision ID: 0028
Revises: 0027
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

NAME = "ix_step_executions_asks"


def upgrade() -> None:
    """Apply."""
    asks = sa.text("awaiting_event AND outputs ? 'asked'")
    op.create_index(NAME, "step_executions", ["id"], postgresql_where=asks)


def downgrade() -> None:
    """Take back."""
    op.drop_index(NAME, table_name="step_executions")
