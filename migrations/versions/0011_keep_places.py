"""Keep who has a place of a key, and who stands in line for one.

The version before does not know them: it lets in everybody, and nobody whom this version has put
in line.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

IN_LINE = "status IN ('PENDING', 'RETRYING') AND in_line"
OWNER = sa.text("coalesce(owner, '')")


def upgrade() -> None:
    """Apply."""
    for name in ("in_line", "has_place"):
        column = sa.Column(name, sa.Boolean(), server_default="false", nullable=False)
        op.add_column("step_executions", column)
    op.create_index(
        "ix_step_executions_in_line",
        "step_executions",
        ["execution_id"],
        postgresql_where=sa.text(IN_LINE),
    )
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "concurrency_places",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("owner", sa.Text()),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("execution_id", sa.Uuid(), nullable=False),
        sa.Column("step_execution_id", sa.BigInteger()),
        sa.Column("at_once", sa.Integer(), nullable=False),
        sa.Column("when_full", sa.Text(), nullable=False),
        sa.Column("asked_at", moment, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("taken_at", moment),
        sa.Column("decided", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("superseded_at", moment),
        sa.CheckConstraint(
            "when_full IN ('wait', 'skip', 'fail', 'cancel_oldest')",
            name=op.f("ck_concurrency_places_when_full"),
        ),
        sa.ForeignKeyConstraint(
            ["execution_id"],
            ["executions.id"],
            name=op.f("fk_concurrency_places_execution_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_concurrency_places")),
    )
    for name, columns, where in (
        ("ix_concurrency_places_execution_id", ["execution_id"], None),
        ("ix_concurrency_places_taken", [OWNER, "key", "id"], "taken_at IS NOT NULL"),
        ("ix_concurrency_places_line", [OWNER, "key", "id"], "taken_at IS NULL"),
        ("ix_concurrency_places_superseded", ["id"], "superseded_at IS NOT NULL"),
    ):
        condition = sa.text(where) if where else None
        op.create_index(name, "concurrency_places", columns, postgresql_where=condition)
    op.create_index(
        "uq_concurrency_places_step_execution_id",
        "concurrency_places",
        ["step_execution_id"],
        unique=True,
        postgresql_where=sa.text("step_execution_id IS NOT NULL"),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("concurrency_places")
    op.drop_index("ix_step_executions_in_line", table_name="step_executions")
    for name in ("has_place", "in_line"):
        op.drop_column("step_executions", name)
