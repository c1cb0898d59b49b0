"""When it became an escalation, so that parked work's pick-up answers none that came later

What the history tells of those that are there already is written down; where a pick-up of parked
work stood as the first claim, the first one since the escalation takes its place.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("handoffs", sa.Column("escalated_at", sa.DateTime(timezone=True), nullable=True))
    # Readiness counts lost answers. Attempts tell times, codes and causes, and nothing of anybody.
    op.execute("GRANT SELECT (attempts) ON deliveries TO handoff_lookup")
    op.execute(
        """
        UPDATE handoffs SET escalated_at = became.at FROM (
            SELECT events.handoff_id, min(events.at) AS at
            FROM events JOIN events AS parked USING (handoff_id)
            WHERE parked.type = 'parked' AND events.type IN ('promoted', 'released')
            GROUP BY events.handoff_id
        ) AS became WHERE became.handoff_id = handoffs.id
        """
    )
    op.execute(
        """
        UPDATE handoffs
        SET first_claimed_at = NULL, first_claimed_by_id = NULL, first_claimed_round = NULL
        WHERE intent = 'park' OR first_claimed_at < escalated_at
        """
    )
    op.execute(
        """
        UPDATE handoffs
        SET first_claimed_at = claims.at, first_claimed_by_id = claims.actor_id,
            first_claimed_round = claims.round
        FROM (
            SELECT DISTINCT ON (events.handoff_id) events.handoff_id, events.at, events.actor_id,
                (events.data ->> 'round')::integer AS round
            FROM events JOIN handoffs ON handoffs.id = events.handoff_id
            WHERE events.type = 'claimed' AND events.at >= handoffs.escalated_at
            ORDER BY events.handoff_id, events.number
        ) AS claims
        WHERE claims.handoff_id = handoffs.id AND handoffs.first_claimed_at IS NULL
        """
    )


def downgrade() -> None:
    op.execute("REVOKE SELECT (attempts) ON deliveries FROM handoff_lookup")
    op.drop_column("handoffs", "escalated_at")
