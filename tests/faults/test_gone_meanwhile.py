"""Who is named or acts, and is gone by the time that it is done: nothing is done for them.

Each waits where the other one has begun and not ended yet, so the order is the same every time.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from sqlalchemy import text

from handoff.contract.people import Actor, Subject
from handoff.database import people
from handoff.database.directory import sign_ins, users
from handoff.database.directory.users import KnownUser, WantedUser
from handoff.database.gate import Tenant
from handoff.errors import AddressTaken
from tests.faults.test_done_once import until_somebody_waits
from tests.support.cast import ACME, AMIR, BO, CHEN, OLIVE, Member
from tests.support.desk import Desk

ISSUER = "https://id.example.com"


@asynccontextmanager
async def leaving(desk: Desk, who: Member) -> AsyncIterator[None]:
    """They are deactivated at the end of the block, and everybody who asks has to wait for it."""
    async with desk.database.engine_room() as connection:
        gone = text("UPDATE users SET is_active = false WHERE id = :id")
        await connection.execute(gone, {"id": who.id})
        yield


async def test_nothing_is_transferred_to_somebody_who_leaves(desk: Desk) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate()
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    async with leaving(desk, CHEN):
        asked = desk.command(AMIR, handoff, "transfer", {"to": str(CHEN.id)})
        transfer = asyncio.create_task(asked)
        await until_somebody_waits(desk)
    answer = await transfer
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, "body/to")
    assert "transferred" not in await desk.history(handoff)


async def test_no_session_is_given_to_somebody_who_leaves(desk: Desk) -> None:
    session_id = await desk.start_session(BO)
    assert (await desk.http(OLIVE).delete(f"/directory/users/{BO.id}")).status_code == 204
    path = f"/ai-sessions/{session_id}/holder"
    async with leaving(desk, CHEN):
        asked = desk.http(OLIVE).put(path, json={"to": str(CHEN.id)})
        giving = asyncio.create_task(asked)
        await until_somebody_waits(desk)
    assert (await giving).status_code == 422
    assert (await desk.http(OLIVE).put(path, json={"to": str(AMIR.id)})).status_code == 200


async def test_no_session_is_made_by_somebody_who_leaves(desk: Desk) -> None:
    asked = desk.http(BO).post("/ai-sessions", json={"title": "VPN drops"})
    async with leaving(desk, BO):
        making = asyncio.create_task(asked)
        await until_somebody_waits(desk)
    assert (await making).status_code == 401
    assert (await desk.http(AMIR).get("/ai-sessions")).json() == []


async def _as_actor(desk: Desk, who: Member) -> Actor:
    async with desk.database.engine_room() as connection:
        found = await people.find_anywhere(connection, who.id)
    assert found is not None
    return found


async def test_a_subject_that_somebody_takes_meanwhile_is_refused_to_the_directory(
    desk: Desk,
) -> None:
    """By their own yes. Else SCIM would hear that it is bound, and nobody could sign in by it."""
    olive = await _as_actor(desk, OLIVE)

    def decide(before: KnownUser | None) -> WantedUser:
        assert before is not None
        return replace(
            WantedUser(before.email, before.name, before.role, before.team_id, is_active=True),
            external_id="s-1",
        )

    async with desk.database.engine_room() as connection:
        assert await sign_ins.accept(Tenant(ACME, connection), CHEN.id, Subject(ISSUER, "s-1"))
        changing = asyncio.ensure_future(
            users.change_user(desk.database, olive, BO.id, decide, binds_to=ISSUER)
        )
        await until_somebody_waits(desk)
    with pytest.raises(AddressTaken):
        await changing
