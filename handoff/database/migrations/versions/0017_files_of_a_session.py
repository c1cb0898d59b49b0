"""Files of a session, in pieces of 256 KiB

What is in them is compressed already, or soon read again: PostgreSQL stores it as it is. They are
the only rows that a request may delete.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0017"
down_revision: str | None = "0016"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TENANT = "handoff_tenant"
OWN = "account_id = NULLIF(current_setting('handoff.account_id', true), '')::uuid"
RIGHTS = {"files": "SELECT, INSERT, DELETE", "file_chunks": "SELECT, INSERT"}


def upgrade() -> None:
    op.create_table(
        "files",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("added_by_id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("size BETWEEN 1 AND 10485760", name=op.f("ck_files_size_within_limit")),
        sa.ForeignKeyConstraint(
            ["account_id", "session_id"],
            ["sessions.account_id", "sessions.id"],
            name=op.f("fk_files_account_id_session_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "added_by_id"],
            ["users.account_id", "users.id"],
            name=op.f("fk_files_account_id_added_by_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_files")),
        sa.UniqueConstraint("account_id", "id", name=op.f("uq_files_account_id_id")),
    )
    op.create_index(op.f("ix_files_session_id_id"), "files", ["session_id", "id"])
    op.create_index(op.f("ix_files_created_at"), "files", ["created_at"])
    op.create_table(
        "file_chunks",
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "file_id"],
            ["files.account_id", "files.id"],
            name=op.f("fk_file_chunks_account_id_file_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("file_id", "place", name=op.f("pk_file_chunks")),
    )
    op.execute("ALTER TABLE file_chunks ALTER COLUMN content SET STORAGE EXTERNAL")
    for table, rights in RIGHTS.items():
        op.execute(f"GRANT {rights} ON {table} TO {TENANT}")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own_account ON {table} TO {TENANT} USING ({OWN})")


def downgrade() -> None:
    for table in reversed(RIGHTS):
        op.drop_table(table)
