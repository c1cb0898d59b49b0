"""PostgreSQL behind a pooler: everything works where it can; where not, nothing is served."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio.client import Client

from handoff.database import outages, schema
from handoff.database.gate import Database
from handoff.database.starting import must_keep_accounts_apart
from handoff.errors import ConfigurationError
from handoff.settings import Settings, load_settings
from handoff.stack.doctor import reach
from tests.support.cast import ACME, AMIR, BO, CHEN, OLIVE, SENIORS
from tests.support.desk import PAYLOAD_KEYS, SECRET, Desk, open_desk
from tests.support.line import line_to
from tests.support.pooler import pooler_to
from tests.support.servers import Servers

WHO = text("SELECT current_user")


@pytest.fixture(params=["transaction", "session"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def desk(
    mode: str, database_url: str, servers: Servers, temporal: Client
) -> AsyncIterator[Desk]:
    """A desk that reaches its database through PgBouncer alone."""
    # A session has its server for itself, so there have to be as many.
    size = "4" if mode == "transaction" else "60"
    with pooler_to(database_url, mode=mode, default_pool_size=size) as url:
        async with open_desk(
            database_url=url, redis_url=servers.redis_url, temporal=temporal
        ) as opened:
            yield opened


async def test_a_whole_life(desk: Desk) -> None:
    async with desk.listen(AMIR) as stream:
        handoff = await desk.escalate()
        assert (await stream.hear("created")).data["subject"] == str(handoff.id)
        await desk.expect_mails(SENIORS, handoff, round=1)
        assert (await desk.claim(AMIR, handoff)).status_code == 200
        for member in (CHEN, OLIVE, BO):
            await desk.expect_mail(member, handoff, says="Claimed by Amir")
        resolved = await desk.command(AMIR, handoff, "resolve", {"outcome": "fixed"})
        assert resolved.status_code == 200
        for member in (CHEN, OLIVE, BO):
            await desk.expect_mail(member, handoff, says="Resolved by Amir")
        await stream.hear("resolved")
    assert (await desk.workflow(handoff).result())["status"] == "resolved"
    checks = (await desk.operator().get("/readyz")).json()["checks"]
    assert checks["postgresql"] == {"status": "ok", "detail": None}


async def test_many_at_once_share_the_few_servers(desk: Desk) -> None:
    desk.mail_matters = False
    handoffs = await asyncio.gather(*(desk.escalate() for _ in range(12)))
    answers = await asyncio.gather(*(desk.claim(AMIR, one) for one in handoffs))
    assert {answer.status_code for answer in answers} == {200}
    seen = await asyncio.gather(*(desk.see(one) for one in handoffs * 3))
    assert {one["status"] for one in seen} == {"claimed"}


def _given(url: str) -> dict[str, Any]:
    return {
        "database_url": url,
        "redis_url": "redis://127.0.0.1:1",
        "smtp_url": "smtp://127.0.0.1:1",
        "auth_secret": SECRET,
        "payload_keys": PAYLOAD_KEYS,
        "operator_listen": "127.0.0.1:0",
    }


def _settings(url: str) -> Settings:
    return load_settings(**_given(url))


@asynccontextmanager
async def _confined(url: str) -> AsyncIterator[Database]:
    database = Database.connect(_settings(url), pool_size=3, confined=True)
    try:
        yield database
    finally:
        await database.close()


async def _refused(connection: AsyncConnection) -> str:
    with pytest.raises(DBAPIError) as fault:
        await connection.execute(text("SELECT engineer_notes FROM handoffs"))
    return str(fault.value.orig)


@pytest.mark.parametrize("settings", [{}, {"ignore_startup_parameters": "role"}])
async def test_the_api_is_confined_behind_it(database_url: str, settings: dict[str, str]) -> None:
    """Even if it would swallow a role that is asked for when connecting."""
    with pooler_to(database_url, **settings) as url:
        async with _confined(url) as database:
            for _ in range(5):
                async with database.engine_room() as connection:
                    assert await connection.scalar(WHO) == "handoff_lookup"
                    assert "permission denied" in await _refused(connection)
                async with database.glance() as connection:
                    assert await connection.scalar(WHO) == "handoff_lookup"
                with pytest.raises(DBAPIError, match="permission denied"):
                    async with database.glance() as connection:
                        await connection.execute(text("SELECT engineer_notes FROM handoffs"))
                async with database.account(ACME) as tenant:
                    assert await tenant.connection.scalar(WHO) == "handoff_tenant"
        # Nothing of it stays with the server, which others use as well.
        plain = await asyncpg.connect(url, statement_cache_size=0)
        assert await plain.fetchval("SELECT current_user") == urlsplit(database_url).username
        await plain.close()


async def test_what_loses_the_role_serves_nobody_and_is_named(
    database_url: str, servers: Servers, temporal: Client
) -> None:
    async with line_to(database_url) as line:
        line.lose(b"SET LOCAL ROLE handoff_lookup")
        async with _confined(line.url) as database:
            with pytest.raises(outages.Unconfined, match="does not keep the role handoff_lookup"):
                await database.ping()
        with pytest.raises(ConfigurationError, match=r"HANDOFF_DATABASE_URL.*handoff_lookup"):
            await must_keep_accounts_apart(_settings(line.url), confined=True)


async def test_a_pooler_by_statement_serves_nobody_and_is_named(database_url: str) -> None:
    with pooler_to(database_url, mode="statement") as url:
        named = {f"HANDOFF_{name.upper()}": str(value) for name, value in _given(url).items()}
        started = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "api", "--port", "0"),
            env={**os.environ, **named},
            stderr=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
        )
        _, said = await started.communicate()
        assert started.returncode == 78, said
        assert b"a pooler has to pool by transaction or by session" in said
        [version, *_, apart] = await asyncio.to_thread(reach.ask_postgresql, url)
        assert version.detail.endswith("through a pooler")
        assert (apart.what, apart.code) == ("accounts apart", 1)


@pytest.mark.expects_errors
async def test_a_pooler_that_becomes_one_by_statement_is_named_in_readiness(
    database_url: str, servers: Servers, temporal: Client
) -> None:
    async with (
        line_to(database_url) as line,
        open_desk(database_url=line.url, redis_url=servers.redis_url, temporal=temporal) as desk,
    ):
        assert desk.services is not None
        line.lose(b"SET LOCAL ROLE handoff_lookup")
        await desk.services.database._engine.dispose()
        await desk.services.probed._engine.dispose()
        answer = await desk.http(BO).get("/me")
        assert answer.status_code == 503
        assert "role" not in answer.text
        ready = await desk.operator().get("/readyz")
        assert ready.status_code == 503
        assert "does not keep the role" in ready.json()["checks"]["postgresql"]["detail"]


async def test_migrations_and_the_doctor_go_through_it_again_and_again(database_url: str) -> None:
    # One for the lock, one for the migrations: all others meet what these have left.
    with pooler_to(database_url, default_pool_size="2") as url:
        dsn = _settings(url).database_dsn
        for _ in range(2):
            program = (
                "from alembic import command; from handoff.database import schema;"
                # One of these leaves its transaction to read what is there a few rows at a time.
                f"command.downgrade(schema.configuration({dsn!r}), '0021'); schema.upgrade({dsn!r})"
            )
            process = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
            assert await process.wait() == 0
            assert await schema.is_current(dsn)
        found = await asyncio.to_thread(reach.ask_postgresql, url)
        assert {one.code for one in found} == {0}, found


async def test_what_it_refuses_is_named_and_no_password(database_url: str) -> None:
    with pooler_to(database_url, auth_type="plain") as url:
        with pytest.raises(outages.MAYBE) as fault:
            async with _confined(url) as database:
                await database.ping()
        assert outages.is_outage(fault.value)
        cause = outages.cause(fault.value)
        assert "08P01" in cause
        assert "auth" in cause
        assert str(urlsplit(url).password) not in cause
        [found] = await asyncio.to_thread(reach.ask_postgresql, url)
        assert cause in found.detail
