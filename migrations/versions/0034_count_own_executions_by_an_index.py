"""Count one's own executions of a pipeline by an index alone.

The index takes the place of one with the same keys; executions are not written while it is made.

Revision ID: 0034
Revises: 0033
"""

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

NAME, BEFORE = "ix_executions_of_pipeline", "ix_executions_pipeline_id_created_at"
KEYS = ["pipeline_id", "created_at"]


def upgrade() -> None:
    """Apply."""
    op.create_index(NAME, "executions", KEYS, postgresql_include=["user_id"])
    op.drop_index(BEFORE, table_name="executions")


def downgrade() -> None:
    """Take back."""
    op.create_index(BEFORE, "executions", KEYS)
    op.drop_index(NAME, table_name="executions")
