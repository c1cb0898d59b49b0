"""What is asked twice is done once, and what is not known is not denied."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from handoff.database.directory import teams
from tests.faults.test_live_api import api, free_port
from tests.support.cast import AMIR, BO, CHEN, NETWORK, OLIVE
from tests.support.desk import Desk, open_desk
from tests.support.line import Line, line_to
from tests.support.servers import Servers


@asynccontextmanager
async def locked(desk: Desk, statement: str, **values: Any) -> AsyncIterator[None]:
    """Somebody else holds these rows for as long as the block lasts."""
    async with desk.database.engine_room() as connection:
        await connection.execute(text(statement), values)
        yield


async def until_somebody_waits(desk: Desk, number: int = 1) -> None:
    """For a lock, in the test's own database."""

    async def waits() -> bool:
        async with desk.database.engine_room() as connection:
            found = await connection.scalar(
                text(
                    "SELECT count(*) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
                )
            )
        return bool(found >= number)

    await desk.until(waits, every=0.01)


HANDOFF = "SELECT 1 FROM handoffs WHERE id = :id FOR UPDATE"
KEY = "SELECT 1 FROM idempotency_keys WHERE key = 'k' FOR UPDATE"


@pytest.mark.timeout(120)
async def test_a_release_of_a_killed_process_is_not_done_again(desk: Desk) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate()
    assert (await desk.claim(CHEN, handoff)).status_code == 200
    port = free_port()
    headers = {"Authorization": f"Bearer {desk.token(AMIR)}", "Idempotency-Key": "k"}
    async with (
        api(desk, port) as process,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as elsewhere,
    ):
        async with locked(desk, HANDOFF, id=handoff.id):
            first = asyncio.create_task(
                elsewhere.post(f"{handoff.path}/release", headers=headers, json={})
            )
            await until_somebody_waits(desk)
            keeping = locked(desk, KEY)
            await keeping.__aenter__()
        # Whatever it does now, the answer cannot be kept before it is dead.
        await until_somebody_waits(desk)
        process.kill()
        await process.wait()
        await asyncio.wait([first])
        assert first.exception() is not None
        taken = await desk.claim(OLIVE, handoff)
        await keeping.__aexit__(None, None, None)
    repeat: list[httpx.Response] = []

    async def answered() -> bool:
        repeat[:] = [
            await desk.http(AMIR).post(f"{handoff.path}/release", headers=headers, json={})
        ]
        return repeat[0].status_code != 409

    await desk.until(answered)
    assert repeat[0].status_code == 200, repeat[0].text
    assert (await desk.history(handoff)).count("released") == 1
    if taken.status_code == 200:
        assert (await desk.see(handoff))["claimed_by"]["name"] == "Olive"


@pytest.mark.expects_errors
async def test_a_command_that_was_carried_out_is_answered_from_its_own_transaction(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate()
    await desk.claim(CHEN, handoff)

    def dies(*_: Any, **__: Any) -> None:
        raise MemoryError

    key = {"Idempotency-Key": "k"}
    assert desk.services is not None
    with monkeypatch.context() as patched:
        patched.setattr(type(desk.services), "announce", dies)
        with pytest.raises(httpx.HTTPStatusError):
            (await desk.command(AMIR, handoff, "release", {}, **key)).raise_for_status()
    assert (await desk.claim(OLIVE, handoff)).status_code == 200
    again = await desk.command(AMIR, handoff, "release", {}, **key)
    assert (again.status_code, again.json()["status"]) == (200, "open")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (await desk.see(handoff))["claimed_by"]["name"] == "Olive"


async def test_a_holder_who_is_slow_leaves_it_to_the_one_who_took_over(desk: Desk) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate()
    await desk.claim(CHEN, handoff)
    key = {"Idempotency-Key": "k"}
    async with locked(desk, HANDOFF, id=handoff.id):
        slow = asyncio.create_task(desk.command(AMIR, handoff, "release", {}, **key))
        await until_somebody_waits(desk)
        async with desk.database.engine_room() as connection:
            late = "UPDATE idempotency_keys SET locked_until = now() - interval '1 second'"
            await connection.execute(text(late))
        repeat = asyncio.create_task(desk.command(AMIR, handoff, "release", {}, **key))
        await until_somebody_waits(desk, 2)
    answers = await asyncio.gather(slow, repeat)
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert (await desk.history(handoff)).count("released") == 1


# A commit whose answer is lost.


@pytest.fixture
async def line(database_url: str) -> AsyncIterator[Line]:
    async with line_to(database_url) as line:
        yield line


@pytest.fixture
async def far_desk(servers: Servers, line: Line, temporal: Any) -> AsyncIterator[Desk]:
    """A desk whose PostgreSQL is at the other end of a line that can break."""
    async with open_desk(
        database_url=line.url, redis_url=servers.redis_url, temporal=temporal
    ) as desk:
        desk.mail_matters = False
        yield desk


@pytest.mark.parametrize("arrives", [True, False])
async def test_a_claim_whose_commit_was_not_answered_is_found_out(
    far_desk: Desk, line: Line, arrives: bool
) -> None:
    handoff = await far_desk.escalate()
    await far_desk.until_told(handoff)
    await far_desk.stop_worker()
    line.break_at(b"COMMIT\0", arrives=arrives)
    claimed = await far_desk.claim(CHEN, handoff)
    assert line.broken == 1
    assert (claimed.status_code, claimed.json()["claimed_by"]["name"]) == (200, "Chen")
    assert (await far_desk.history(handoff)).count("claimed") == 1


@pytest.mark.parametrize("arrives", [True, False])
async def test_what_cannot_be_found_out_is_said_to_be_unknown(
    far_desk: Desk, line: Line, arrives: bool
) -> None:
    await far_desk.stop_worker()
    headers = {"Idempotency-Key": "s"}
    body = {"title": "VPN drops"}
    # Without a key: the only commit of the request is the one that makes the session.
    line.break_at(b"COMMIT\0", arrives=arrives)
    unknown = await far_desk.http(BO).post("/ai-sessions", json=body)
    assert unknown.status_code == 503
    assert unknown.json()["type"] == "/problems/outcome-unknown"
    assert "Nothing was changed" not in unknown.text
    assert unknown.headers["Retry-After"]
    made = [await far_desk.http(BO).post("/ai-sessions", json=body, headers=headers)]
    made += [await far_desk.http(BO).post("/ai-sessions", json=body, headers=headers)]
    assert made[0].json()["id"] == made[1].json()["id"]


async def test_who_only_reads_has_changed_nothing(far_desk: Desk, line: Line) -> None:
    await far_desk.stop_worker()
    line.break_at(b"COMMIT\0", arrives=True)
    lost = await far_desk.http(BO).get("/ai-sessions")
    assert (lost.status_code, lost.json()["type"]) == (503, "/problems/unreachable")


async def test_a_command_is_unknown_while_the_record_stays_away(
    far_desk: Desk, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handoff.database.handoffs.transitions.FIND_OUT_WITHIN", 0.5)
    handoff = await far_desk.escalate()
    await far_desk.until_told(handoff)
    await far_desk.stop_worker()
    line.break_at(b"COMMIT\0", arrives=True)
    claiming = asyncio.create_task(far_desk.claim(CHEN, handoff))

    async def broken() -> bool:
        return line.broken == 1

    await far_desk.until(broken, every=0.001)
    line.go_down()
    answer = await claiming
    line.come_back()
    assert answer.status_code in (200, 503)
    if answer.status_code == 503:
        assert answer.json()["type"] == "/problems/outcome-unknown"
    again = await far_desk.claim(CHEN, handoff)
    assert again.status_code == 200
    assert (await far_desk.history(handoff)).count("claimed") == 1


# What is looked at before a lock, and used after it.


async def test_no_session_is_made_for_a_team_that_is_being_deleted(desk: Desk) -> None:
    async with locked(desk, "SELECT 1 FROM teams WHERE id = :id FOR UPDATE", id=NETWORK):
        making = asyncio.create_task(
            desk.http(BO).post("/ai-sessions", json={"title": "x", "team_id": str(NETWORK)})
        )
        deleting = asyncio.create_task(desk.http(OLIVE).delete(f"/directory/teams/{NETWORK}"))
        await until_somebody_waits(desk, 2)
    made, deleted = await asyncio.gather(making, deleting)
    assert deleted.status_code == 204
    async with desk.database.account(BO.account_id) as tenant:
        gone = await teams.find_team(tenant, NETWORK)
        left = await tenant.connection.scalar(
            text("SELECT count(*) FROM sessions WHERE team_id = :id"), {"id": NETWORK}
        )
    assert gone is not None
    assert gone.deleted_at is not None
    assert left == 0
    assert made.status_code in (201, 422)
