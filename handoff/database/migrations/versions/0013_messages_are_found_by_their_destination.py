"""Messages are found by their destination: what one has been told, of this handoff and lately.

The key began with the event, so each message of a round of a thousand read all of them to find its
own; and what a destination was told lately was indexed by the person alone.
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    _key("handoff_id", "destination_id", "channel", "event_number")
    op.drop_index("ix_deliveries_recipient_id_changed_at", table_name="deliveries")
    op.create_index(
        "ix_deliveries_destination_id_changed_at", "deliveries", ["destination_id", "changed_at"]
    )


def downgrade() -> None:
    op.drop_index("ix_deliveries_destination_id_changed_at", table_name="deliveries")
    op.create_index(
        "ix_deliveries_recipient_id_changed_at", "deliveries", ["recipient_id", "changed_at"]
    )
    _key("handoff_id", "event_number", "destination_id", "channel")


def _key(*columns: str) -> None:
    op.drop_constraint("pk_deliveries", "deliveries")
    op.create_primary_key("pk_deliveries", "deliveries", list(columns))
