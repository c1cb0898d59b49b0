"""What an identity provider calls somebody, beside their address, and their name in its parts

Addresses get the one spelling that is kept from now on: composed letters, a domain that people can
read. One whose new spelling somebody else of the account has already stays as it is.
"""

from collections.abc import Sequence
from contextlib import suppress

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from handoff.mailboxes import mailbox

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

SPELLED_OTHERWISE = "SELECT id, email FROM users WHERE email ~ '[^ -~]' OR email ILIKE '%xn--%'"
SPELL = """
UPDATE users SET email = :email WHERE id = :id AND (deleted_at IS NOT NULL OR NOT EXISTS (
    SELECT 1 FROM users other
    WHERE other.account_id = users.account_id AND other.id <> users.id
      AND other.deleted_at IS NULL AND lower(other.email) = lower(:email)
))
"""


def upgrade() -> None:
    op.add_column("users", sa.Column("user_name", sa.String(), nullable=True))
    op.add_column(
        "users",
        sa.Column("profile", postgresql.JSONB(none_as_null=True), nullable=True),
    )
    connection = op.get_bind()
    for row in connection.execute(sa.text(SPELLED_OTHERWISE)).all():
        with suppress(ValueError):
            connection.execute(sa.text(SPELL), {"id": row.id, "email": mailbox(row.email)})
    op.create_index(
        "uq_users_account_id_user_name",
        "users",
        ["account_id", sa.text("lower(coalesce(user_name, email))")],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("uq_users_account_id_user_name", table_name="users")
    op.drop_column("users", "profile")
    op.drop_column("users", "user_name")
