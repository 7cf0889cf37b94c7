"""Find executions by the name of their pipeline and by their params.

Executions are not written while the indexes are made.

Revision ID: 0036
Revises: 0035
"""

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

NAMES, PARAMS = "ix_executions_name_created_at", "ix_executions_params"


def upgrade() -> None:
    """Apply."""
    op.create_index(NAMES, "executions", ["name", "created_at"])
    op.create_index(
        PARAMS,
        "executions",
        ["params"],
        postgresql_using="gin",
        postgresql_ops={"params": "jsonb_path_ops"},
    )


def downgrade() -> None:
    """Take back."""
    op.drop_index(PARAMS, table_name="executions")
    op.drop_index(NAMES, table_name="executions")
