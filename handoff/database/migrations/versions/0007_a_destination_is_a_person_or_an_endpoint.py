"""A message's destination is a person or an endpoint, and a channel is a row of the registry

The check on the channel's name goes: which channels there are is said in one place, in the rules.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TENANT, LOOKUP = "handoff_tenant", "handoff_lookup"
OWN = "account_id = NULLIF(current_setting('handoff.account_id', true), '')::uuid"


def upgrade() -> None:
    op.create_table(
        "endpoints",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("team_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_endpoints"),
        sa.UniqueConstraint("account_id", "id", name="uq_endpoints_account_id_id"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_endpoints_account_id"),
        sa.ForeignKeyConstraint(
            ["account_id", "team_id"],
            ["teams.account_id", "teams.id"],
            name="fk_endpoints_account_id_team_id",
        ),
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON endpoints TO {TENANT}")
    op.execute("ALTER TABLE endpoints ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_account ON endpoints TO {TENANT} USING ({OWN})")

    op.drop_constraint(op.f("ck_deliveries_channel"), "deliveries")
    op.drop_constraint("pk_deliveries", "deliveries")
    op.alter_column("deliveries", "recipient_id", nullable=True)
    op.add_column("deliveries", sa.Column("endpoint_id", sa.Uuid(), nullable=True))
    op.add_column(
        "deliveries",
        sa.Column(
            "destination_id",
            sa.Uuid(),
            sa.Computed("COALESCE(recipient_id, endpoint_id)", persisted=True),
            nullable=False,
        ),
    )
    op.create_check_constraint(
        op.f("ck_deliveries_one_destination"),
        "deliveries",
        "num_nonnulls(recipient_id, endpoint_id) = 1",
    )
    op.create_primary_key(
        "pk_deliveries",
        "deliveries",
        ["handoff_id", "event_number", "destination_id", "channel"],
    )
    op.create_foreign_key(
        "fk_deliveries_account_id_endpoint_id",
        "deliveries",
        "endpoints",
        ["account_id", "endpoint_id"],
        ["account_id", "id"],
    )


def downgrade() -> None:
    op.execute("DELETE FROM deliveries WHERE channel NOT IN ('email', 'push')")
    op.drop_constraint("fk_deliveries_account_id_endpoint_id", "deliveries")
    op.drop_constraint("pk_deliveries", "deliveries")
    op.drop_constraint(op.f("ck_deliveries_one_destination"), "deliveries")
    op.drop_column("deliveries", "destination_id")
    op.drop_column("deliveries", "endpoint_id")
    op.alter_column("deliveries", "recipient_id", nullable=False)
    op.create_primary_key(
        "pk_deliveries", "deliveries", ["handoff_id", "event_number", "recipient_id", "channel"]
    )
    op.create_check_constraint(
        op.f("ck_deliveries_channel"), "deliveries", "channel IN ('email', 'push')"
    )
    op.drop_table("endpoints")
