"""A session can carry another one on: what is handed off again leads to what was before"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0023"
down_revision: str | None = "0022"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("sessions", sa.Column("follows_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_sessions_account_id_follows_id"),
        "sessions",
        "sessions",
        ["account_id", "follows_id"],
        ["account_id", "id"],
    )
    op.create_index(
        op.f("ix_sessions_follows_id"),
        "sessions",
        ["follows_id"],
        postgresql_where=sa.text("follows_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_column("sessions", "follows_id")
