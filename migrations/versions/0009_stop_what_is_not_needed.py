"""Remember which steps have gone on without others that are still to be stopped.

The version before does not know the column, and stops nothing.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

NAME = "ix_step_executions_cancels_rest"


def upgrade() -> None:
    """Apply."""
    column = sa.Column("cancels_rest", sa.Boolean(), server_default="false", nullable=False)
    op.add_column("step_executions", column)
    op.create_index(NAME, "step_executions", ["id"], postgresql_where=sa.text("cancels_rest"))


def downgrade() -> None:
    """Take back."""
    op.drop_index(NAME, table_name="step_executions")
    op.drop_column("step_executions", "cancels_rest")
