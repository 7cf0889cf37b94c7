"""Let queued steps be found by their owner.

The version before knows no owner of a step: what it queues counts as the system's. It looks for
queued steps by other columns of the new index, which it reads as a whole then, once a second.

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TABLE = "step_executions"
QUEUED = sa.text("status IN ('PENDING', 'RETRYING') AND queued_at IS NOT NULL")
DELAYED = sa.text("status IN ('PENDING', 'RETRYING') AND due_at IS NOT NULL")
BLOCKING = sa.text(f"{QUEUED.text} AND NOT cheap")


def upgrade() -> None:
    """Apply."""
    owner = sa.Column("owner", sa.Text(collation="C"), nullable=False, server_default="")
    op.add_column(TABLE, owner)
    op.create_index(
        "ix_step_executions_shares",
        TABLE,
        ["queue", "owner", "queued_at"],
        postgresql_where=QUEUED,
    )
    op.create_index(
        "ix_step_executions_delayed", TABLE, ["owner", "due_at"], postgresql_where=DELAYED
    )
    op.drop_index("ix_step_executions_queued_blocking", table_name=TABLE)
    op.drop_index("ix_step_executions_queued", table_name=TABLE)


def downgrade() -> None:
    """Take back."""
    op.create_index("ix_step_executions_queued", TABLE, ["queued_at"], postgresql_where=QUEUED)
    op.create_index(
        "ix_step_executions_queued_blocking",
        TABLE,
        ["queue", "queued_at"],
        postgresql_where=BLOCKING,
    )
    op.drop_index("ix_step_executions_delayed", table_name=TABLE)
    op.drop_index("ix_step_executions_shares", table_name=TABLE)
    op.drop_column(TABLE, "owner")
