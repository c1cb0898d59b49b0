"""The auditor compares pages of living handoffs with the engine's, and marks none of them any more"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

LIVING = sa.text("status IN ('parked', 'open', 'claimed')")


def upgrade() -> None:
    op.drop_index("ix_handoffs_audit", table_name="handoffs")
    op.drop_column("handoffs", "audited_at")
    op.create_index("ix_handoffs_living", "handoffs", ["id"], postgresql_where=LIVING)


def downgrade() -> None:
    op.drop_index("ix_handoffs_living", table_name="handoffs")
    op.add_column("handoffs", sa.Column("audited_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_handoffs_audit", "handoffs", ["audited_at"], postgresql_where=LIVING)
