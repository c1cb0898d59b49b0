"""What the record refused is remembered for a while, so that it is not promised a moment later"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TENANT = "handoff_tenant"
OWN = "account_id = NULLIF(current_setting('handoff.account_id', true), '')::uuid"

VERDICTS = ("recorded", "not_holder", "forbidden", "already_open", "accepted", "session_closed")


def upgrade() -> None:
    op.create_table(
        "refusals",
        sa.Column("handoff_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column(
            "verdict",
            sa.Enum(
                *VERDICTS, name="verdict", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("other_id", sa.Uuid(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_refusals_account_id")
        ),
        sa.PrimaryKeyConstraint("handoff_id", name=op.f("pk_refusals")),
    )
    op.create_index(op.f("ix_refusals_created_at"), "refusals", ["created_at"])
    op.execute(f"GRANT SELECT, INSERT ON refusals TO {TENANT}")
    op.execute("ALTER TABLE refusals ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_account ON refusals TO {TENANT} USING ({OWN})")


def downgrade() -> None:
    op.drop_table("refusals")
