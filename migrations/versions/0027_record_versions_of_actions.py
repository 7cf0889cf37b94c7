"""Record with each revision which version of its actions was chosen when it was saved.

Revisions that are there already have none: their actions are looked up as before.

Revision ID: 0027
Revises: 0026
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("pipeline_revisions", sa.Column("actions", JSONB(), nullable=True))


def downgrade() -> None:
    """Take back; steps run in the version that their name means then."""
    op.drop_column("pipeline_revisions", "actions")
