"""A first claim says which level of the policy was called by then"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("handoffs", sa.Column("first_claimed_level", sa.SmallInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("handoffs", "first_claimed_level")
