"""Let definitions name subscriptions that are told of their steps.

A name means one subscription of its owner from now on: of several with the same one all but the
oldest have the beginning of their id added. Building its index reads the subscriptions once.

Revision ID: 0026
Revises: 0025
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

NAME = "uq_subscriptions_name"
NOTIFIES = "ix_pipeline_revisions_notifies"
ORIGIN, ORIGINS = "ck_subscription_messages_origin", "'event', 'replay', 'test'"
OWNER = sa.text("coalesce(user_id, '')")


def upgrade() -> None:
    """Apply."""
    op.execute(
        "UPDATE subscriptions s SET name = left(s.name, 200) || '-' || s.id FROM subscriptions o"
        " WHERE o.name = s.name AND coalesce(o.user_id, '') = coalesce(s.user_id, '')"
        " AND (o.created_at, o.id) < (s.created_at, s.id)"
    )
    op.create_index(NAME, "subscriptions", [OWNER, "name"], unique=True)
    no = sa.text("false")
    op.add_column(
        "pipeline_revisions", sa.Column("notifies", sa.Boolean(), server_default=no, nullable=False)
    )
    op.create_index(NOTIFIES, "pipeline_revisions", ["id"], postgresql_where=sa.text("notifies"))
    _allow_origins(f"{ORIGINS}, 'notice'")


def downgrade() -> None:
    """Take back; notices that are kept are shown as events."""
    op.execute("UPDATE subscription_messages SET origin = 'event' WHERE origin = 'notice'")
    _allow_origins(ORIGINS)
    op.drop_index(NOTIFIES, table_name="pipeline_revisions")
    op.drop_column("pipeline_revisions", "notifies")
    op.drop_index(NAME, table_name="subscriptions")
    op.execute("DELETE FROM history_readers WHERE name = 'notices'")


def _allow_origins(words: str) -> None:
    op.drop_constraint(op.f(ORIGIN), "subscription_messages")
    op.create_check_constraint(op.f(ORIGIN), "subscription_messages", f"origin IN ({words})")
