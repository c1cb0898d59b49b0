"""Migrations that change what is there, on a database that an older version has filled."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from alembic import command

from handoff.database import schema
from tests.support.servers import Servers

ACME, AMIR, BO, CHEN, OLD, NEW, ODD = (UUID(int=number) for number in range(1, 8))
CLAIMERS = {"BO": BO, "CHEN": CHEN}
BEGAN = datetime(2026, 1, 5, 9, tzinfo=UTC)

WORKED = {
    "escalated": ["created", "claimed BO 2"],
    "put down": ["parked"],
    "picked up": ["parked", "claimed BO 0"],
    "picked up and given back": ["parked", "claimed BO 0", "released"],
    "given back and claimed": ["parked", "claimed BO 0", "released", "claimed CHEN 3"],
    "promoted": ["parked", "promoted"],
    "promoted and claimed twice": [
        *("parked", "promoted", "claimed CHEN 1"),
        *("released", "claimed BO 4"),
    ],
}
"""Each handoff's history, an event a minute; of claims by whom, and in which round."""

TOLD = {
    "escalated": (None, 1, BO, 2),
    "put down": (None, None, None, None),
    "picked up": (None, None, None, None),
    "picked up and given back": (2, None, None, None),
    "given back and claimed": (2, 3, CHEN, 3),
    "promoted": (1, None, None, None),
    "promoted and claimed twice": (1, 2, CHEN, 1),
}
"""What 0010 makes of it: when it became an escalation, and the first claim since; in minutes."""


def _at(minute: int | None) -> datetime | None:
    return None if minute is None else BEGAN + timedelta(minutes=minute)


@pytest.fixture
async def address(servers: Servers) -> AsyncIterator[str]:
    """An empty database."""
    name = f"old_{uuid4().hex}"
    admin = await asyncpg.connect(servers.database_url)
    await admin.execute(f"CREATE DATABASE {name}")
    yield f"{servers.database_url.rpartition('/')[0]}/{name}"
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


async def _migrate(address: str, to: str) -> None:
    dsn = f"postgresql+asyncpg://{address.partition('://')[2]}"
    await asyncio.to_thread(command.upgrade, schema.configuration(dsn), to)


async def _insert(connection: Any, table: str, **values: Any) -> None:
    places = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    names = ", ".join(values)
    await connection.execute(
        f"INSERT INTO {table} ({names}) VALUES ({places})",
        *values.values(),
    )


async def _fill(connection: Any) -> dict[str, UUID]:
    """As version 0006 would have left it; the handoffs' ids by their stories."""
    await _insert(connection, "accounts", id=ACME, name="Acme")
    for user, address in (
        (AMIR, "amir@acme.test"),
        (BO, "bo@acme.test"),
        (CHEN, "chen@acme.test"),
        (OLD, "jo\u0308rg@xn--bcher-kva.example"),
        (NEW, "eva@b\u00fccher.example"),
        (ODD, "eva@xn--bcher-kva.example"),
    ):
        await _insert(
            *(connection, "users"), id=user, account_id=ACME, email=address, name="X", role="admin"
        )
    for name, person in (("own", AMIR), ("another's", BO)):
        await _insert(
            *(connection, "api_tokens"),
            id=uuid4(),
            account_id=ACME,
            user_id=person,
            created_by_id=AMIR,
            name=name,
            scopes=[],
            prefix=name,
            digest=b"",
            created_at=BEGAN,
        )
    return {story: await _live_through(connection, events) for story, events in WORKED.items()}


async def _live_through(connection: Any, events: list[str]) -> UUID:
    session, handoff = uuid4(), uuid4()
    await _insert(
        *(connection, "sessions"), id=session, account_id=ACME, title="VPN", holder_id=AMIR
    )
    claims = [(at, event.split()) for at, event in enumerate(events) if "claimed" in event]
    first = claims[0] if claims else None
    parked = set(events).isdisjoint({"created", "promoted", "released"})
    await _insert(
        *(connection, "handoffs"),
        id=handoff,
        account_id=ACME,
        session_id=session,
        intent="park" if parked else "escalate",
        priority="normal",
        status="cancelled",
        escalator_id=AMIR,
        created_at=BEGAN,
        policy="{}",
        rounds_total=5,
        # As it was before 0010: the very first one, a pick-up of parked work included.
        first_claimed_at=_at(first[0]) if first else None,
        first_claimed_by_id=CLAIMERS[first[1][1]] if first else None,
        first_claimed_round=int(first[1][2]) if first else None,
    )
    for minute, event in enumerate(events):
        kind, *by = event.split()
        number = await connection.fetchval(
            "UPDATE accounts SET last_event_number = last_event_number + 1"
            " RETURNING last_event_number"
        )
        await _insert(
            *(connection, "events"),
            account_id=ACME,
            number=number,
            handoff_id=handoff,
            type=kind,
            at=_at(minute),
            actor_id=CLAIMERS[by[0]] if by else AMIR,
            data=json.dumps({"round": int(by[1]) if by else 0}),
        )
        await _insert(
            *(connection, "deliveries"),
            account_id=ACME,
            handoff_id=handoff,
            event_number=number,
            recipient_id=BO,
            channel="email",
            event_type=kind,
            round=0,
            batch=0,
            state="sent",
        )
    return handoff


async def test_what_an_older_version_has_written_is_read_as_it_was_meant(address: str) -> None:
    await _migrate(address, "0006")
    connection = await asyncpg.connect(address)
    stories = await _fill(connection)
    await _migrate(address, "head")

    for story, handoff in stories.items():
        row = await connection.fetchrow(
            "SELECT escalated_at, first_claimed_at, first_claimed_by_id, first_claimed_round"
            " FROM handoffs WHERE id = $1",
            handoff,
        )
        escalated, claimed, by, number = TOLD[story]
        assert tuple(row) == (_at(escalated), _at(claimed), by, number), story

    # 0007: each message goes to whom it went to.
    others = "SELECT count(*) FROM deliveries WHERE destination_id IS DISTINCT FROM recipient_id"
    assert await connection.fetchval(others) == 0
    # 0009: a token that somebody made for themselves is agreed to, and no other one.
    agreed = await connection.fetch("SELECT name, agreed_at FROM api_tokens ORDER BY name DESC")
    assert [tuple(row) for row in agreed] == [("own", BEGAN), ("another's", None)]
    # 0011: one spelling, and where somebody else has it already, none is taken from them.
    addresses = dict(await connection.fetch("SELECT id, email FROM users WHERE id >= $1", OLD))
    assert addresses == {
        OLD: "j\u00f6rg@b\u00fccher.example",
        NEW: "eva@b\u00fccher.example",
        ODD: "eva@xn--bcher-kva.example",
    }
    await connection.close()


async def test_what_was_written_before_it_is_found_as_well(address: str) -> None:
    """0018: the words of every handoff that is there, and of what comes after it; 0022: those
    inside of what is written without spaces, as well."""
    await _migrate(address, "0006")
    connection = await asyncpg.connect(address)
    stories = await _fill(connection)
    await _migrate(address, "0017")
    told = stories["escalated"]
    await connection.execute(
        "UPDATE handoffs SET engineer_notes = 'The mango key 東京都' WHERE id = $1", told
    )
    said = json.dumps({"details": {"text": "and a kiwi"}})
    await connection.execute(
        "INSERT INTO events (account_id, number, handoff_id, type, at, data)"
        " VALUES ($1, 1000, $2, 'noted', now(), $3)",
        *(ACME, told, said),
    )
    await connection.execute(
        "UPDATE handoffs SET engineer_notes = 'A half-width ｶﾀｶﾅ' WHERE id = $1",
        stories["put down"],
    )
    await _migrate(address, "0018")
    await _migrate(address, "head")
    found = "SELECT handoff_id FROM handoff_texts WHERE {} @@ 'vpn & {}'::tsquery"
    for word in ("mango", "kiwi", "京都"):
        assert await connection.fetchval(found.format("whole", word)) == told
        assert await connection.fetchval(found.format("shown", word)) is None
    assert await connection.fetchval(found.format("whole", "タカ")) == stories["put down"]
    assert await connection.fetchval("SELECT count(*) FROM handoff_texts") == len(stories)
    await connection.execute("UPDATE sessions SET title = 'VPN guava'")
    assert len(await connection.fetch(found.format("shown", "guava"))) == len(stories)
    # They go with their handoff.
    for table in ("deliveries", "events"):
        await connection.execute(f"DELETE FROM {table}")
    await connection.execute("DELETE FROM handoffs")
    assert await connection.fetchval("SELECT count(*) FROM handoff_texts") == 0
    await asyncio.to_thread(
        command.downgrade,
        schema.configuration(f"postgresql+asyncpg://{address.partition('://')[2]}"),
        "0017",
    )
    await connection.close()


async def test_a_migration_keeps_nobody_waiting_for_the_next_one(address: str) -> None:
    """Each is committed by itself, none waits for long for a table, and a writer may go on."""
    await _migrate(address, "0018")
    connection, busy = await asyncpg.connect(address), await asyncpg.connect(address)
    await connection.execute("SET lock_timeout = '5s'")
    await _insert(connection, "accounts", id=ACME, name="Acme")
    await busy.execute("BEGIN")
    await busy.execute("LOCK TABLE handoff_texts IN ROW EXCLUSIVE MODE")
    await busy.execute("LOCK TABLE sessions IN ACCESS SHARE MODE")
    migrating = asyncio.create_task(_migrate(address, "head"))
    async with asyncio.timeout(20):
        seen = "SELECT version_num FROM alembic_version"
        while await connection.fetchval(seen) != "0022":  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.1)
    assert not migrating.done()
    await connection.execute("UPDATE accounts SET last_event_number = last_event_number + 1")
    # Longer than it waits for a lock: it comes again.
    await asyncio.sleep(2)
    await busy.execute("COMMIT")
    await asyncio.wait_for(migrating, 20)
    await connection.close()
    await busy.close()
