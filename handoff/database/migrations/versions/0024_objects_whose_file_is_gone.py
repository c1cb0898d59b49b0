"""Which objects of a bucket are to be deleted, because their file is gone."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0024"
down_revision: str | None = "0023"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TENANT = "handoff_tenant"
OWN = "account_id = NULLIF(current_setting('handoff.account_id', true), '')::uuid"


def upgrade() -> None:
    op.create_table(
        "left_objects",
        sa.Column("kept_at", sa.String(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column(
            "due_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_left_objects_account_id")
        ),
        sa.PrimaryKeyConstraint("kept_at", name=op.f("pk_left_objects")),
    )
    op.create_index(op.f("ix_left_objects_due_at"), "left_objects", ["due_at"])
    op.execute(f"GRANT SELECT, INSERT ON left_objects TO {TENANT}")
    op.execute("ALTER TABLE left_objects ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_account ON left_objects TO {TENANT} USING ({OWN})")


def downgrade() -> None:
    op.drop_table("left_objects")
