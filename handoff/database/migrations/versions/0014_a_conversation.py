"""A handoff counts what is written in its conversation, and whom somebody has called by name"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_COUNTS = ("note_count", "call_count")
_EVENTS = (
    "created",
    "parked",
    "notified",
    "re_escalated",
    "no_recipients",
    "exhausted",
    "claimed",
    "released",
    "resolved",
    "cancelled",
    "promoted",
    "hurried",
    "snoozed",
    "transferred",
    "reminded",
    "expired",
    "delivery_failed",
)
_NEW = ("noted", "called", "changed")


def upgrade() -> None:
    _events(*_EVENTS, *_NEW)
    for name in _COUNTS:
        op.add_column(
            "handoffs", sa.Column(name, sa.SmallInteger(), server_default="0", nullable=False)
        )


def downgrade() -> None:
    _events(*_EVENTS)
    for name in _COUNTS:
        op.drop_column("handoffs", name)


def _events(*names: str) -> None:
    """Which events there are."""
    words = ", ".join(f"'{name}'" for name in names)
    for table, column in (("events", "type"), ("deliveries", "event_type")):
        name = op.f(f"ck_{table}_eventtype")
        op.drop_constraint(name, table)
        op.create_check_constraint(name, table, f"{column} IN ({words})")
