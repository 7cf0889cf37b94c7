"""Keep what actions write down while they run.

Revision ID: 0029
Revises: 0028
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import UserDefinedType

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


class TransactionId(UserDefinedType):
    """PostgreSQL's ``xid8``."""

    cache_ok = True

    def get_col_spec(self, **_):
        return "xid8"


def upgrade() -> None:
    """Apply."""
    transaction = sa.text("pg_current_xact_id()")
    op.create_table(
        "step_logs",
        sa.Column("execution_id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", TransactionId(), server_default=transaction, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("step_execution_id", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("facts", postgresql.JSONB(none_as_null=True)),
        sa.PrimaryKeyConstraint("execution_id", "transaction_id", "id", name="pk_step_logs"),
    )
    op.create_index("ix_step_logs_step_execution_id", "step_logs", ["step_execution_id", "attempt"])


def downgrade() -> None:
    """Take back, with all that was kept."""
    op.drop_table("step_logs")
