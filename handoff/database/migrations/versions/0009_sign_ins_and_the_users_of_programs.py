"""Sign-ins in a table of their own, users of programs, and a person's yes to a token

Who of the users that are there already was brought in by the operator, and whom an admin wrote,
nothing tells any more. So nobody is bound here: the operator imports their file again, or people
accept at their next sign-in. A token that somebody else made for a person waits for their yes.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TENANT, LOOKUP = "handoff_tenant", "handoff_lookup"
OWN = "account_id = NULLIF(current_setting('handoff.account_id', true), '')::uuid"

MOMENT = sa.DateTime(timezone=True)


def _words(name: str, *words: str) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=32)


def upgrade() -> None:
    op.create_table(
        "sign_ins",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", _words("subjectkind", "subject", "id", "email"), nullable=False),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("bound_by", _words("boundby", "import", "scim", "person"), nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("accepted_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id", "user_id"],
            ["users.account_id", "users.id"],
            name=op.f("fk_sign_ins_account_id_user_id"),
            onupdate="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_ins")),
    )
    op.create_index(
        "uq_sign_ins_account_id_kind_issuer_subject",
        "sign_ins",
        ["account_id", "kind", "issuer", "subject"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(op.f("ix_sign_ins_subject"), "sign_ins", ["subject"])
    op.create_index(op.f("ix_sign_ins_account_id_user_id"), "sign_ins", ["account_id", "user_id"])
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON sign_ins TO {TENANT}")
    op.execute("ALTER TABLE sign_ins ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_account ON sign_ins TO {TENANT} USING ({OWN})")
    # Who somebody is must be known before their account is.
    op.execute(f"GRANT SELECT ON sign_ins TO {LOOKUP}")
    op.execute(f"CREATE POLICY look_up ON sign_ins FOR SELECT TO {LOOKUP} USING (true)")

    op.add_column(
        "users",
        sa.Column(
            "kind", _words("userkind", "person", "service"), server_default="person", nullable=False
        ),
    )
    op.add_column("users", sa.Column("signed_out_at", MOMENT, nullable=True))
    op.execute(f"GRANT SELECT (kind, signed_out_at) ON users TO {LOOKUP}")

    op.add_column("api_tokens", sa.Column("agreed_at", MOMENT, nullable=True))
    op.execute("UPDATE api_tokens SET agreed_at = created_at WHERE created_by_id = user_id")
    op.execute(f"GRANT SELECT (agreed_at, created_by_id, name) ON api_tokens TO {LOOKUP}")
    op.add_column(
        "idempotency_keys",
        sa.Column("role", _words("role", "owner", "admin", "engineer", "viewer"), nullable=True),
    )


def downgrade() -> None:
    op.drop_column("idempotency_keys", "role")
    op.execute("REVOKE SELECT (created_by_id, name) ON api_tokens FROM handoff_lookup")
    op.drop_column("api_tokens", "agreed_at")
    op.drop_column("users", "signed_out_at")
    op.drop_column("users", "kind")
    op.drop_table("sign_ins")
