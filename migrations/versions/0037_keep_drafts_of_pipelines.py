"""Keep what somebody has typed into a definition and not saved yet.

Revision ID: 0037
Revises: 0036
"""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "pipeline_drafts",
        sa.Column("pipeline_id", sa.Uuid(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text()),
        sa.Column("version", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("based_on", sa.BigInteger()),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("pipeline_id", "person", name="pk_pipeline_drafts"),
        sa.ForeignKeyConstraint(
            ["pipeline_id"],
            ["pipelines.id"],
            name="fk_pipeline_drafts_pipeline_id",
            ondelete="CASCADE",
        ),
    )


def downgrade() -> None:
    """Take back; what was typed and not saved is lost."""
    op.drop_table("pipeline_drafts")
