"""Remember which pipelines came with the engine, and what they said then.

Revision ID: 0032
Revises: 0031
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "shipped_pipelines",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("pipeline_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("engine_version", sa.Text(), nullable=False),
        sa.Column(
            "shipped_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["pipeline_id"],
            ["pipelines.id"],
            name="fk_shipped_pipelines_pipeline_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("name", name="pk_shipped_pipelines"),
    )


def downgrade() -> None:
    """Take back; the pipelines stay, as pipelines of the system."""
    op.drop_table("shipped_pipelines")
