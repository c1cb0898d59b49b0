"""How an account's chat is reached, and which message there stands for which handoff

A handoff's posts are deleted with it.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0020"
down_revision: str | None = "0019"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TENANT = "handoff_tenant"
OWN = "account_id = NULLIF(current_setting('handoff.account_id', true), '')::uuid"
RIGHTS = {
    "integrations": "SELECT, INSERT, UPDATE, DELETE",
    "posts": "SELECT, INSERT, UPDATE",
}


def upgrade() -> None:
    op.create_table(
        "integrations",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("secrets", sa.String(), nullable=False),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_integrations_account_id")
        ),
        sa.PrimaryKeyConstraint("account_id", "channel", name=op.f("pk_integrations")),
    )
    op.create_table(
        "posts",
        sa.Column("handoff_id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("told", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "handoff_id"],
            ["handoffs.account_id", "handoffs.id"],
            name=op.f("fk_posts_account_id_handoff_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "endpoint_id"],
            ["endpoints.account_id", "endpoints.id"],
            name=op.f("fk_posts_account_id_endpoint_id"),
        ),
        sa.PrimaryKeyConstraint("handoff_id", "endpoint_id", name=op.f("pk_posts")),
    )
    op.create_index(op.f("ix_endpoints_account_id_channel"), "endpoints", ["account_id", "channel"])
    for table, rights in RIGHTS.items():
        op.execute(f"GRANT {rights} ON {table} TO {TENANT}")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own_account ON {table} TO {TENANT} USING ({OWN})")


def downgrade() -> None:
    op.drop_index(op.f("ix_endpoints_account_id_channel"), table_name="endpoints")
    for table in reversed(RIGHTS):
        op.drop_table(table)
