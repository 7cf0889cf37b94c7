"""Find the failures after which a step was tried again without a look at its whole execution.

The version before does not look for them.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

NAME = "ix_events_retrying"


def upgrade() -> None:
    """Apply."""
    where = sa.text("event_type = 'step_retrying'")
    op.create_index(NAME, "events", ["step_execution_id"], postgresql_where=where)


def downgrade() -> None:
    """Take back."""
    op.drop_index(NAME, table_name="events")
