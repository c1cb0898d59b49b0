"""A create that was answered 202: it is recorded, or says what became of it, and blocks nothing."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from handoff.contract.messages import NewHandoff
from handoff.contract.words import Intent, Priority, Verdict
from handoff.database.handoffs import creation, standing
from handoff.ids import new_id
from tests.faults.test_done_once import locked, until_somebody_waits
from tests.support.cast import AMIR, BO, CHEN, OLIVE, SENIORS
from tests.support.clocks import Skew
from tests.support.clocks import skewed as put_forward
from tests.support.desk import Desk, Handoff


async def accepted(desk: Desk) -> Handoff:
    """A handoff of Bo's that no worker has recorded yet."""
    session_id = await desk.start_session()
    answer = await desk.hand_off(session_id, engineer_notes="Rekey fails.")
    assert answer.status_code == 202, answer.text
    return Handoff(UUID(answer.json()["id"]), session_id, BO)


async def becomes(desk: Desk, role: str) -> None:
    body = {"email": BO.email, "name": BO.name, "role": role, "team_id": str(BO.team_id)}
    answer = await desk.http(OLIVE).put(f"/directory/users/{BO.id}", json=body)
    assert answer.status_code == 200, answer.text


@pytest.mark.expects_errors
@pytest.mark.desk(create_wait="500ms")
async def test_whose_author_lost_the_role_says_what_became_of_it(desk: Desk) -> None:
    await desk.stop_worker()
    handoff = await accepted(desk)
    await becomes(desk, "viewer")
    async with desk.listen(CHEN) as chen:
        await desk.start_worker()
        told = await chen.hear("cancelled")
    assert "accepted" in told.data["data"]["details"]["reason"]
    for member in (BO, OLIVE):
        mail = await desk.expect_mail(member, handoff)
        assert "accepted, but nobody was called" in mail.text
    seen = await desk.see(handoff)
    assert (seen["status"], seen["engineer_notes"]) == ("cancelled", "Rekey fails.")
    assert await desk.history(handoff) == ["cancelled"]
    ended = await desk.workflow(handoff).result()
    assert ended["status"] == "cancelled"
    await becomes(desk, "engineer")
    assert (await desk.hand_off(handoff.session_id, intent="park")).status_code == 201


@pytest.mark.desk(create_wait="500ms")
async def test_a_create_that_is_recorded_while_it_is_accepted_leaves_no_mark(desk: Desk) -> None:
    desk.mail_matters = False
    desk.postbox.refuse_recipient(451, CHEN.email)
    session_id = await desk.start_session()
    # Somebody has the account's counter: the record waits for it, with the session locked.
    async with locked(desk, "SELECT 1 FROM accounts WHERE id = :id FOR UPDATE", id=BO.account_id):
        creating = asyncio.create_task(desk.hand_off(session_id))
        await until_somebody_waits(desk, 2)
    answer = await creating
    assert answer.status_code in (201, 202)
    handoff = Handoff(UUID(answer.json()["id"]), session_id, BO)
    await desk.until_handoff(handoff, round=1)
    async with desk.database.engine_room() as connection:
        marks = text("SELECT count(*) FROM sessions WHERE accepted_handoff_id IS NOT NULL")
        assert await connection.scalar(marks) == 0
    await desk.claim(AMIR, handoff)
    await desk.command(AMIR, handoff, "resolve", {"outcome": "fixed"})
    # A mail of it is retried still, and its session is free all the same.
    assert (await desk.hand_off(session_id, AMIR, intent="park")).status_code in (201, 202)


@pytest.mark.desk(create_wait="500ms")
async def test_what_was_refused_a_moment_before_it_is_accepted_is_not_promised(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal is committed, and the engine has not heard of it yet."""
    accepting, refused, answered = asyncio.Event(), asyncio.Event(), asyncio.Event()
    record, accept = creation.record, standing.accept

    async def slowly(*asked: Any, **more: Any) -> Any:
        await accepting.wait()
        await becomes(desk, "viewer")
        said = await record(*asked, **more)
        refused.set()
        await answered.wait()
        return said

    async def a_moment_later(*asked: Any) -> Any:
        accepting.set()
        await refused.wait()
        return await accept(*asked)

    monkeypatch.setattr(creation, "record", slowly)
    monkeypatch.setattr(standing, "accept", a_moment_later)
    session_id = await desk.start_session()
    answer = await desk.hand_off(session_id)
    answered.set()
    assert answer.status_code == 403, answer.text
    monkeypatch.undo()
    # Nothing is promised, so nothing is in the way of the next one.
    await becomes(desk, "engineer")
    assert (await desk.hand_off(session_id, intent="park")).status_code == 201


async def test_what_was_refused_stays_refused(desk: Desk) -> None:
    """The engine asks again where it was not told: the caller may have heard of it meanwhile."""
    new = NewHandoff(
        id=new_id(),
        session_id=await desk.start_session(),
        account_id=BO.account_id,
        escalator_id=BO.id,
        intent=Intent.PARK,
        priority=Priority.NORMAL,
        engineer_notes=None,
        context=None,
        created_at=datetime.now(UTC),
    )
    policy = {"claim_timeout": timedelta(minutes=1), "max_rounds": 1}
    await becomes(desk, "viewer")
    first, _ = await creation.record(desk.database, new, **policy)  # type: ignore[arg-type]
    await becomes(desk, "engineer")
    again, changed = await creation.record(desk.database, new, **policy)  # type: ignore[arg-type]
    assert (first.verdict, again, changed) == (Verdict.FORBIDDEN, first, None)


async def test_a_mark_of_something_recorded_closes_no_session(desk: Desk) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate()
    await desk.command(BO, handoff, "cancel")
    async with desk.database.engine_room() as connection:
        # As processes of older builds have left it.
        mark = text("UPDATE sessions SET accepted_handoff_id = :id")
        await connection.execute(mark, {"id": handoff.id})
    assert (await desk.hand_off(handoff.session_id, intent="park")).status_code == 201


# Clocks.


@pytest.fixture
def skewed(monkeypatch: pytest.MonkeyPatch) -> Skew:
    """The clocks of our processes, but not PostgreSQL's."""
    return put_forward(monkeypatch)


@pytest.mark.parametrize("ahead", [20, -20])
async def test_the_first_mail_leaves_at_once_whatever_the_apis_clock_says(
    desk: Desk, skewed: Skew, ahead: int
) -> None:
    skewed(timedelta(seconds=ahead), "api.", "worker.", "activities.")
    began = asyncio.get_running_loop().time()
    handoff = await desk.escalate(priority="urgent")
    await desk.expect_mails(SENIORS, handoff, round=1)
    assert asyncio.get_running_loop().time() - began < 8
    async with desk.database.engine_room() as connection:
        age = "SELECT abs(extract(epoch FROM clock_timestamp() - created_at)) FROM handoffs"
        assert await connection.scalar(text(age)) < 10
