"""One account at a time: row-level security behind the gate

`handoff_tenant` sees and writes the rows of the account that `handoff.account_id` names, and none
without it. `handoff_lookup` sees of all accounts what must be known before the account is: who
somebody is, and whether anything stalls. Neither can log in; whoever logs in takes them on.

The tables' owner passes: the engine's upkeep, migrations and backups need all rows. That is why
nothing is forced on it; forced, pg_dump would refuse to run.
"""

from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | None = None
depends_on: str | None = None

TENANT, LOOKUP = "handoff_tenant", "handoff_lookup"

# What a tenant may do. Nothing is ever deleted by a request, and history is never rewritten.
TENANTS_RIGHTS = {
    "accounts": "SELECT, UPDATE",
    "teams": "SELECT, INSERT, UPDATE",
    "users": "SELECT, INSERT, UPDATE",
    "sessions": "SELECT, INSERT, UPDATE",
    "handoffs": "SELECT, INSERT, UPDATE",
    "events": "SELECT, INSERT, UPDATE (published_at)",
    "deliveries": "SELECT, INSERT, UPDATE",
    "idempotency_keys": "SELECT, INSERT, UPDATE",
    "api_tokens": "SELECT, INSERT, UPDATE",
}
LOOKED_UP = {
    "accounts": "id, name",
    "users": "id, account_id, team_id, email, name, role, is_active, deleted_at",
    "api_tokens": "id, account_id, user_id, scopes, prefix, digest, created_at, expires_at, "
    "last_used_at, revoked_at",
    "handoffs": "id, account_id, status, priority, deadline_at, exhausted_at",
    "events": "account_id, number, handoff_id, type",
    "deliveries": "account_id, handoff_id, channel, state, reason, changed_at",
}

# Roles belong to the whole server, so another database, or another migration, may have made them.
MAKE_ROLE = """
DO $$ BEGIN
    BEGIN
        CREATE ROLE {role} NOLOGIN;
    EXCEPTION WHEN duplicate_object OR unique_violation OR insufficient_privilege THEN NULL;
    END;
    BEGIN
        SET LOCAL ROLE {role};
    EXCEPTION WHEN OTHERS THEN
        BEGIN
            GRANT {role} TO CURRENT_USER;
        EXCEPTION WHEN OTHERS THEN NULL;
        END;
    END;
    BEGIN
        SET LOCAL ROLE {role};
        SET LOCAL ROLE NONE;
    EXCEPTION WHEN OTHERS THEN
        RAISE EXCEPTION 'this migration needs the role {role}, and may not make it'
            USING HINT = format('As a superuser, run: CREATE ROLE {role} NOLOGIN; '
                                'GRANT {role} TO %I;', session_user);
    END;
END $$
"""
OWN = "{column} = NULLIF(current_setting('handoff.account_id', true), '')::uuid"


def upgrade() -> None:
    for role in (TENANT, LOOKUP):
        op.execute(MAKE_ROLE.format(role=role))
    op.execute(
        "DO $$ BEGIN EXECUTE format("
        f"'GRANT USAGE ON SCHEMA %I TO {TENANT}, {LOOKUP}', current_schema); END $$"
    )
    for table, rights in TENANTS_RIGHTS.items():
        own = OWN.format(column="id" if table == "accounts" else "account_id")
        op.execute(f"GRANT {rights} ON {table} TO {TENANT}")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own_account ON {table} TO {TENANT} USING ({own})")
    for table, columns in LOOKED_UP.items():
        op.execute(f"GRANT SELECT ({columns}) ON {table} TO {LOOKUP}")
        op.execute(f"CREATE POLICY look_up ON {table} FOR SELECT TO {LOOKUP} USING (true)")
    op.execute(f"GRANT SELECT ON audit TO {LOOKUP}")


def downgrade() -> None:
    op.execute(f"REVOKE ALL ON audit FROM {LOOKUP}")
    for table in LOOKED_UP:
        op.execute(f"DROP POLICY look_up ON {table}")
        op.execute(f"REVOKE ALL ON {table} FROM {LOOKUP}")
    for table in TENANTS_RIGHTS:
        op.execute(f"DROP POLICY own_account ON {table}")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        op.execute(f"REVOKE ALL ON {table} FROM {TENANT}")
