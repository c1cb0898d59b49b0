"""A claim keeps what it has changed, so that it can be undone at once"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("handoffs", sa.Column("before_claim", postgresql.JSONB(), nullable=True))


def downgrade() -> None:
    op.drop_column("handoffs", "before_claim")
