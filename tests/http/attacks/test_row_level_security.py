"""The second wall: a query that forgot its account sees one account all the same, or nothing."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from pydantic import SecretStr
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from handoff.database import people, schema
from handoff.database.gate import Database
from handoff.database.tables import EndpointRow, Table, WebhookRow
from handoff.errors import ConfigurationError
from handoff.ids import new_id
from handoff.settings import load_settings
from tests.support.cast import ACME, AMIR, BO, GINA, GLOBEX, HUGO, NETWORK
from tests.support.desk import Desk
from tests.support.servers import Servers

EMPTY = (
    *("api_tokens", "refusals", "files", "file_chunks", "webhook_attempts"),
    *("integrations", "posts", "left_objects"),
)
"""The tables in which the story leaves no row."""

TENANT_TABLES = [
    table.name
    for table in Table.metadata.sorted_tables
    if table.name == "accounts" or "account_id" in table.columns
]


@pytest.fixture
async def both(desk: Desk) -> Desk:
    """A desk where both accounts have handed something off."""
    desk.mail_matters = False
    for who in (BO, HUGO):
        await desk.escalate(who, engineer_notes="their own words")
        session_id = await desk.start_session(who)
        answer = await desk.http(who).post(
            f"/ai-sessions/{session_id}/handoff",
            json={"intent": "park"},
            headers={"Idempotency-Key": "a key"},
        )
        assert answer.status_code == 201
    async with desk.database.engine_room() as connection:
        for account_id in (ACME, GLOBEX):
            await connection.execute(
                insert(EndpointRow).values(
                    id=new_id(), account_id=account_id, channel="board", name="n", address="a"
                )
            )
            await connection.execute(
                insert(WebhookRow).values(
                    id=new_id(), account_id=account_id, url="u", secret="s", place=0
                )
            )
    return desk


@asynccontextmanager
async def databases(desk: Desk) -> AsyncIterator[list[Database]]:
    """The API's, and the worker's."""
    assert desk.services is not None
    yield [desk.services.database, desk.database]


async def accounts_in(connection: AsyncConnection, table: str) -> set[UUID]:
    column = "id" if table == "accounts" else "account_id"
    found = await connection.scalars(text(f"SELECT DISTINCT {column} FROM {table}"))
    return set(found.all())


async def test_a_query_that_forgot_its_account_sees_one_all_the_same(both: Desk) -> None:
    async with databases(both) as all_databases:
        for database in all_databases:
            for account_id in (ACME, GLOBEX):
                async with database.account(account_id) as tenant:
                    for table in TENANT_TABLES:
                        found = await accounts_in(tenant.connection, table)
                        assert found == ({account_id} if table not in EMPTY else set()), table


async def test_without_an_account_there_is_nothing(both: Desk) -> None:
    async with databases(both) as all_databases:
        for database in all_databases:
            async with database._engine.begin() as connection:
                await connection.execute(text("SET LOCAL ROLE handoff_tenant"))
                for table in TENANT_TABLES:
                    assert await accounts_in(connection, table) == set(), table


async def refused(connection: AsyncConnection, statement: str, **values: Any) -> str:
    with pytest.raises(DBAPIError) as fault:
        async with connection.begin_nested():
            await connection.execute(text(statement), values)
    return str(fault.value.orig)


async def test_nothing_is_written_into_another_account(both: Desk) -> None:
    assert both.services is not None
    async with both.services.database.account(ACME) as tenant:
        connection = tenant.connection
        for statement in (
            "INSERT INTO teams (id, account_id, name) VALUES (gen_random_uuid(), :other, 'x')",
            "UPDATE teams SET account_id = :other WHERE id = :team",
            "UPDATE accounts SET id = :other",
        ):
            values = {"other": GLOBEX} | ({"team": NETWORK} if ":team" in statement else {})
            assert "row-level security" in await refused(connection, statement, **values)
        changed = await connection.execute(
            text("UPDATE handoffs SET engineer_notes = NULL WHERE account_id = :other"),
            {"other": GLOBEX},
        )
        assert changed.rowcount == 0


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM events",
        "UPDATE events SET data = '{}'",
        "DELETE FROM handoffs",
        "TRUNCATE deliveries",
        "DROP TABLE teams",
        "ALTER TABLE handoffs DISABLE ROW LEVEL SECURITY",
        "SELECT * FROM audit",
    ],
)
async def test_no_request_can_rewrite_history(both: Desk, statement: str) -> None:
    assert both.services is not None
    async with both.services.database.account(ACME) as tenant:
        said = await refused(tenant.connection, statement)
        assert "permission denied" in said or "must be owner" in said


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM handoffs",
        "SELECT engineer_notes FROM handoffs",
        "SELECT title FROM sessions",
        "SELECT data FROM events",
        "SELECT body FROM idempotency_keys",
        "UPDATE users SET role = 'owner'",
    ],
)
async def test_the_api_outside_an_account_reads_no_customers_text(
    both: Desk, statement: str
) -> None:
    assert both.services is not None
    async with both.services.database.engine_room() as connection:
        assert "permission denied" in await refused(connection, statement)


async def test_the_api_still_learns_who_is_calling_and_whether_all_is_well(both: Desk) -> None:
    assert both.services is not None
    async with both.services.database.engine_room() as connection:
        for who in (BO, AMIR, HUGO, GINA):
            found = await people.find_anywhere(connection, who.id)
            assert found is not None
            assert found.account_id == who.account_id
    assert (await both.http().get("/readyz")).json()["checks"]["rounds"]["status"] == "ok"


async def test_an_account_does_not_outlive_its_transaction(both: Desk) -> None:
    assert both.services is not None
    now = text("SELECT current_user, current_setting('handoff.account_id', true)")
    for _ in range(25):
        async with both.services.database.account(ACME) as tenant:
            assert (await tenant.connection.execute(now)).one() == ("handoff_tenant", str(ACME))
        async with both.services.database.engine_room() as connection:
            assert (await connection.execute(now)).one() in (
                ("handoff_lookup", None),
                ("handoff_lookup", ""),
            )


async def test_a_superusers_login_is_confined_as_well(both: Desk, servers: Servers) -> None:
    """Row-level security does not hold superusers back, so nobody stays one."""
    url = servers.postgres.superuser_url.rpartition("/")[0]
    name = both.settings.database_dsn.rpartition("/")[2]
    settings = load_settings(**(both.settings.model_dump() | {"database_url": f"{url}/{name}"}))
    database = Database.connect(settings, pool_size=1, confined=True)
    try:
        async with database.account(ACME) as tenant:
            assert await accounts_in(tenant.connection, "handoffs") == {ACME}
        async with database.engine_room() as connection:
            assert "permission denied" in await refused(connection, "SELECT * FROM handoffs")
    finally:
        await database.close()


async def test_the_api_works_with_a_login_of_its_own_that_owns_nothing(
    both: Desk, servers: Servers
) -> None:
    """As docs/security.md advises: whoever gives the roles up is left with nothing at all."""
    await make(
        servers,
        "postgres",
        "CREATE ROLE of_the_api LOGIN NOINHERIT PASSWORD 'x' "
        "IN ROLE handoff_tenant, handoff_lookup",
    )
    name = both.settings.database_dsn.rpartition("/")[2]
    url = f"postgresql://of_the_api:x@127.0.0.1:{servers.postgres.port}/{name}"
    await both.stop_api()
    both.settings = both.settings.model_copy(update={"database_url": SecretStr(url)})
    await both.start_api(temporal=both.temporal)
    assert both.services is not None
    handoff = await both.escalate(BO)
    assert (await both.claim(AMIR, handoff)).status_code == 200
    assert len(await both.queue(AMIR, scope="account")) == 2
    checks = (await both.http().get("/readyz")).json()["checks"]
    assert all(check["status"] == "ok" for name, check in checks.items() if name != "audit")
    assert (await both.operator().get("/metrics")).status_code == 200
    async with both.services.database.engine_room() as connection:
        await connection.execute(text("RESET ROLE"))
        await connection.execute(text("SET LOCAL ROLE NONE"))
        for table in TENANT_TABLES:
            assert "permission denied" in await refused(connection, f"SELECT * FROM {table}")


async def test_the_owner_can_back_it_all_up(both: Desk) -> None:
    """pg_dump turns row-level security off, and gives up where that hides a row from it."""
    async with both.database.engine_room() as connection:
        await connection.execute(text("SET LOCAL row_security = off"))
        for table in TENANT_TABLES:
            found = await accounts_in(connection, table)
            assert found == ({ACME, GLOBEX} if table not in EMPTY else set()), table


async def test_no_table_was_forgotten(desk: Desk) -> None:
    """A new table needs its own policy and grants, in its own migration; see number 0005."""
    query = text(
        "SELECT relname FROM pg_class JOIN pg_policy ON polrelid = pg_class.oid "
        "WHERE relrowsecurity AND polname = 'own_account'"
    )
    async with desk.database.engine_room() as connection:
        assert set((await connection.scalars(query)).all()) == set(TENANT_TABLES)


async def make(servers: Servers, name: str, statement: str) -> str:
    """Runs it as the superuser; the address of database `name`."""
    connection = await asyncpg.connect(servers.postgres.superuser_url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
    _, _, rest = servers.postgres.superuser_url.partition("://")
    return f"postgresql+asyncpg://{rest.rpartition('/')[0]}/{name}"


async def migrate(dsn: str) -> int:
    program = f"from handoff.database import schema; schema.upgrade({dsn!r})"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    return await process.wait()


async def test_many_databases_share_the_roles_even_when_made_at_once(servers: Servers) -> None:
    dsns = [await make(servers, f"wall_{i}", f"CREATE DATABASE wall_{i}") for i in range(3)]
    # Alembic keeps its context in the process: as in production, each migration has one of its own.
    assert await asyncio.gather(*(migrate(dsn) for dsn in [*dsns, *dsns])) == [0] * 6
    for number in range(3):
        await make(servers, "postgres", f"DROP DATABASE wall_{number} WITH (FORCE)")


async def test_a_login_that_may_not_take_the_roles_on_is_told_what_to_do(
    servers: Servers,
) -> None:
    await make(servers, "postgres", "CREATE ROLE stranger LOGIN PASSWORD 'stranger'")
    await make(servers, "strange", "CREATE DATABASE strange OWNER stranger")
    port = servers.postgres.port
    dsn = f"postgresql+asyncpg://stranger:stranger@127.0.0.1:{port}/strange"
    with pytest.raises(ConfigurationError, match=r"handoff_tenant.*CREATE ROLE.*GRANT"):
        await asyncio.to_thread(schema.upgrade, dsn)
    await make(servers, "postgres", "GRANT handoff_tenant, handoff_lookup TO stranger")
    await asyncio.to_thread(schema.upgrade, dsn)
    await make(servers, "postgres", "DROP DATABASE strange WITH (FORCE)")
