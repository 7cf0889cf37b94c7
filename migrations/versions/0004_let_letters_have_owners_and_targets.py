"""Let deliveries have owners and several targets, and be kept until somebody accepts them.

What waits now gets the owner of its execution. Deliveries that are pending are looked at once
more. The version before goes on working beside this: it does not know the new columns, and all
of them have defaults.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

QUEUED = "disposition = 'pending' AND queued_at IS NOT NULL"
KEPT = "disposition = 'pending' AND queued_at IS NULL"


def upgrade() -> None:
    """Apply."""
    moment = sa.DateTime(timezone=True)
    op.add_column("inbox", sa.Column("owner", sa.Text()))
    op.add_column("inbox", sa.Column("sender_id", sa.Text()))
    op.add_column("inbox", sa.Column("queued_at", moment, server_default=sa.text("now()")))
    op.drop_index("ix_inbox_pending", table_name="inbox")
    for name, columns, where in (
        ("ix_inbox_queued", ["external_id", "id"], QUEUED),
        ("ix_inbox_kept", ["external_id", "id"], KEPT),
        ("ix_inbox_kept_since", ["received_at"], KEPT),
        ("ix_inbox_unmatched", ["external_id"], "disposition = 'unmatched'"),
        ("ix_inbox_owner", ["owner", "id"], "owner IS NOT NULL"),
    ):
        op.create_index(name, "inbox", columns, postgresql_where=sa.text(where))
    op.create_table(
        "delivery_targets",
        sa.Column("delivery_id", sa.BigInteger(), nullable=False),
        sa.Column("step_execution_id", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("decided_at", moment, server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["inbox.id"],
            name=op.f("fk_delivery_targets_delivery_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "delivery_id", "step_execution_id", "attempt", name=op.f("pk_delivery_targets")
        ),
    )
    op.create_index(
        "ix_delivery_targets_step_execution_id", "delivery_targets", ["step_execution_id"]
    )
    op.create_index(
        "ix_delivery_targets_owner",
        "delivery_targets",
        ["owner", "delivery_id"],
        postgresql_where=sa.text("owner IS NOT NULL"),
    )
    op.add_column("correlations", sa.Column("owner", sa.Text()))
    op.add_column(
        "correlations",
        sa.Column("from_peer", sa.Boolean(), server_default=sa.text("true"), nullable=False),
    )
    op.add_column(
        "correlations",
        sa.Column("parked_at", moment, server_default=sa.text("now()"), nullable=False),
    )
    op.add_column("correlations", sa.Column("read_through", sa.BigInteger()))
    # Only from now on: what the version before parks has to read what is kept, too.
    op.alter_column("correlations", "read_through", server_default=sa.text("0"))
    op.create_index(
        "ix_correlations_unread",
        "correlations",
        ["step_execution_id"],
        postgresql_where=sa.text("read_through IS NOT NULL"),
    )
    op.execute(
        "UPDATE correlations c SET owner = e.user_id, from_peer = s.action <> 'wait_for_event',"
        " read_through = 0"
        " FROM step_executions s JOIN executions e ON e.id = s.execution_id"
        " WHERE s.id = c.step_execution_id AND s.awaiting_event"
    )


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_correlations_unread", table_name="correlations")
    for column in ("read_through", "parked_at", "from_peer", "owner"):
        op.drop_column("correlations", column)
    op.drop_table("delivery_targets")
    for name in ("owner", "unmatched", "kept_since", "kept", "queued"):
        op.drop_index(f"ix_inbox_{name}", table_name="inbox")
    op.create_index(
        "ix_inbox_pending",
        "inbox",
        ["external_id"],
        postgresql_where=sa.text("disposition = 'pending'"),
    )
    for column in ("queued_at", "sender_id", "owner"):
        op.drop_column("inbox", column)
