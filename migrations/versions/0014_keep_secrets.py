"""Keep secrets of owners, and say which of them a definition speaks of.

The version before does not know them: the definitions that it stores meanwhile are not counted
among those that use a secret until they are changed again.

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# In the text of JSON a quotation mark inside of a template is escaped.
NAMED = r"""secrets\s*(?:\.\s*|\[\s*(?:\\"|''))([a-z][a-z0-9_]*)"""


def upgrade() -> None:
    """Apply."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "secrets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Text()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("lock_version", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=False),
        sa.Column("created_at", moment, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", moment, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_secrets")),
    )
    owner = sa.text("coalesce(user_id, '')")
    op.create_index("uq_secrets_user_id_name", "secrets", [owner, "name"], unique=True)
    op.create_table(
        "secret_versions",
        sa.Column("secret_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("created_at", moment, server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("last_used_at", moment),
        sa.ForeignKeyConstraint(
            ["secret_id"],
            ["secrets.id"],
            name=op.f("fk_secret_versions_secret_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("secret_id", "version", name=op.f("pk_secret_versions")),
    )
    op.add_column("pipeline_revisions", sa.Column("secret_names", sa.ARRAY(sa.Text())))
    op.execute(
        f"""
        UPDATE pipeline_revisions SET secret_names = ARRAY(
            SELECT DISTINCT found[1]
            FROM regexp_matches(document::text, '{NAMED}', 'g') AS found
        ) WHERE document::text ~ '{NAMED}'
        """  # noqa: S608
    )


def downgrade() -> None:
    """Take back."""
    op.drop_column("pipeline_revisions", "secret_names")
    op.drop_table("secret_versions")
    op.drop_table("secrets")
