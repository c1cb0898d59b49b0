"""Where a bucket keeps what is in a file; files that have it in pieces, here, say nothing."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0021"
down_revision: str | None = "0020"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("files", sa.Column("kept_at", sa.String(), nullable=True))
    op.create_index(
        op.f("ix_files_kept_at"),
        "files",
        ["kept_at"],
        unique=True,
        postgresql_where=sa.text("kept_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_column("files", "kept_at")
