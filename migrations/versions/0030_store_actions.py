"""Store actions that are data: templates and composites, in versions.

Revision ID: 0030
Revises: 0029
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

NOW = sa.text("now()")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "stored_actions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Text()),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("lock_version", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=False),
        sa.Column("deleted_at", MOMENT),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("updated_at", MOMENT, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_stored_actions"),
    )
    key = [sa.text("coalesce(user_id, '')"), "type"]
    op.create_index("uq_stored_actions_user_id_type", "stored_actions", key, unique=True)
    op.create_table(
        "stored_action_versions",
        sa.Column("action_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("definition", JSONB(), nullable=False),
        sa.Column("actions", JSONB(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["action_id"],
            ["stored_actions.id"],
            name="fk_stored_action_versions_action_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("action_id", "version", name="pk_stored_action_versions"),
    )


def downgrade() -> None:
    """Take back; pipelines keep what they have recorded."""
    op.drop_table("stored_action_versions")
    op.drop_table("stored_actions")
