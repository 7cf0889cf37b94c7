"""Let a step have a place of several keys, each once.

The version before gives each step one, and goes on doing so.

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

PER_STEP = "uq_concurrency_places_step_execution_id"
PER_KEY = "uq_concurrency_places_step_execution_id_key"


def upgrade() -> None:
    """Apply."""
    _index(PER_KEY, sa.text("coalesce(owner, '')"), "key")
    op.drop_index(PER_STEP, table_name="concurrency_places")


def downgrade() -> None:
    """Take back: a step keeps the place that it has asked for last."""
    op.execute(
        "DELETE FROM concurrency_places p USING concurrency_places later"
        " WHERE p.step_execution_id = later.step_execution_id AND p.id < later.id"
    )
    _index(PER_STEP)
    op.drop_index(PER_KEY, table_name="concurrency_places")


def _index(name: str, *more: sa.TextClause | str) -> None:
    op.create_index(
        name,
        "concurrency_places",
        ["step_execution_id", *more],
        unique=True,
        postgresql_where=sa.text("step_execution_id IS NOT NULL"),
    )
