"""What the engine has accepted for a session, what was last done, and mail that stands still"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("sessions", sa.Column("accepted_handoff_id", sa.Uuid(), nullable=True))
    op.add_column("handoffs", sa.Column("last_act", sa.String(), nullable=True))
    # Readiness asks whether anything of an event has left.
    op.execute("GRANT SELECT (event_number) ON deliveries TO handoff_lookup")


def downgrade() -> None:
    op.execute("REVOKE SELECT (event_number) ON deliveries FROM handoff_lookup")
    op.drop_column("handoffs", "last_act")
    op.drop_column("sessions", "accepted_handoff_id")
