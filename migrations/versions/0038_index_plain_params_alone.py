"""Index the params of executions that are texts, numbers and booleans, and no lists of thousands.

An index of all that is in the params was written anew with each change of an execution's status.
Executions are not written while the index is made.

Revision ID: 0038
Revises: 0037
"""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

NAME = "ix_executions_params"
VALUES = (
    "jsonb_path_query_array(params,"
    """ 'strict $.* ? (@.type() != "array" && @.type() != "object")', '{}', true)"""
)


def upgrade() -> None:
    """Apply."""
    op.drop_index(NAME, table_name="executions")
    op.create_index(
        NAME,
        "executions",
        [sa.text(f"({VALUES}) jsonb_path_ops")],
        postgresql_using="gin",
    )


def downgrade() -> None:
    """Take back."""
    op.drop_index(NAME, table_name="executions")
    op.create_index(
        NAME,
        "executions",
        ["params"],
        postgresql_using="gin",
        postgresql_ops={"params": "jsonb_path_ops"},
    )
