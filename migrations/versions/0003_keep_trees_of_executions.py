"""Know of each execution which others it belongs to.

Building the indexes keeps writers waiting for as long as it takes to read the table once. A
version that does not know these columns goes on beside this one; what its steps start counts as
the first execution of a tree.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

OPEN = "status IN ('PENDING', 'RUNNING')"
INDEXES = {
    "ix_executions_parent_step_id": (["parent_step_id"], "parent_step_id IS NOT NULL"),
    "ix_executions_parent_execution_id": (
        ["parent_execution_id"],
        "parent_execution_id IS NOT NULL",
    ),
    "ix_executions_root_execution_id": (
        ["root_execution_id", "created_at"],
        "root_execution_id IS NOT NULL",
    ),
    "ix_executions_tree_cancelled": (
        ["id"],
        f"{OPEN} AND tree_cancelled_at IS NOT NULL AND abort_reason IS NULL",
    ),
}


def upgrade() -> None:
    """Apply."""
    op.add_column("executions", sa.Column("parent_call", sa.Text()))
    op.add_column("executions", sa.Column("parent_execution_id", sa.Uuid()))
    op.add_column("executions", sa.Column("root_execution_id", sa.Uuid()))
    op.add_column(
        "executions", sa.Column("descendants", sa.Integer(), nullable=False, server_default="0")
    )
    op.add_column("executions", sa.Column("tree_cancelled_at", sa.DateTime(timezone=True)))
    op.execute(
        "UPDATE executions e SET parent_execution_id = s.execution_id FROM step_executions s"
        " WHERE s.id = e.parent_step_id"
    )
    op.execute(
        "WITH RECURSIVE tree AS (SELECT id, id AS root FROM executions"
        " WHERE parent_execution_id IS NULL UNION ALL SELECT e.id, tree.root FROM tree"
        " JOIN executions e ON e.parent_execution_id = tree.id)"
        " UPDATE executions e SET root_execution_id = tree.root FROM tree"
        " WHERE e.id = tree.id AND e.parent_execution_id IS NOT NULL"
    )
    op.execute(
        "UPDATE executions e SET descendants = below.n FROM (SELECT root_execution_id AS root,"
        " count(*) AS n FROM executions WHERE root_execution_id IS NOT NULL GROUP BY 1) below"
        " WHERE e.id = below.root"
    )
    for name, (columns, where) in INDEXES.items():
        op.create_index(name, "executions", columns, postgresql_where=sa.text(where))


def downgrade() -> None:
    """Take back."""
    for name in INDEXES:
        op.drop_index(name, table_name="executions")
    for column in (
        "tree_cancelled_at",
        "descendants",
        "root_execution_id",
        "parent_execution_id",
        "parent_call",
    ):
        op.drop_column("executions", column)
