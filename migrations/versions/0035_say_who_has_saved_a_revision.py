"""Say of each revision of a pipeline who has saved it; of those that there are nobody knows.

Revision ID: 0035
Revises: 0034
"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("pipeline_revisions", sa.Column("saved_by", sa.Text()))


def downgrade() -> None:
    """Take back."""
    op.drop_column("pipeline_revisions", "saved_by")
