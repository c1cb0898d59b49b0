"""Races on one handoff: each has one outcome, the same for everybody who asks."""

import asyncio

import pytest

from tests.support.cast import AMIR, BO, CHEN, OLIVE
from tests.support.desk import Desk


@pytest.mark.desk(claim_timeout="400ms", max_rounds=20)
async def test_a_claim_against_the_timeout(desk: Desk) -> None:
    desk.mail_matters = False
    for _ in range(6):
        handoff = await desk.escalate(priority="normal")
        await desk.until_handoff(handoff, round=2)
        answer = await desk.claim(CHEN, handoff)
        assert answer.status_code == 200
        history = await desk.history(handoff)
        assert history[-1] == "claimed"
        assert history.count("re_escalated") == answer.json()["round"] - 1


async def test_a_claim_against_a_cancel(desk: Desk) -> None:
    desk.mail_matters = False
    for _ in range(8):
        handoff = await desk.escalate(priority="urgent")
        claimed, cancelled = await asyncio.gather(
            desk.claim(CHEN, handoff), desk.command(BO, handoff, "cancel", {})
        )
        assert sorted((claimed.status_code, cancelled.status_code)) == [200, 409]
        status = (await desk.see(handoff))["status"]
        assert status == ("claimed" if claimed.status_code == 200 else "cancelled")


async def test_a_resolve_against_a_release(desk: Desk) -> None:
    desk.mail_matters = False
    for _ in range(8):
        handoff = await desk.escalate(priority="urgent")
        await desk.claim(CHEN, handoff)
        answers = await asyncio.gather(
            desk.command(CHEN, handoff, "resolve", {"outcome": "fixed"}),
            desk.command(AMIR, handoff, "release", {}),
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_two_escalations_of_one_session(desk: Desk) -> None:
    desk.mail_matters = False
    session_id = await desk.start_session()
    answers = await asyncio.gather(*(desk.hand_off(session_id) for _ in range(6)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [201, 409, 409, 409, 409, 409]
    winner = next(answer.json()["id"] for answer in answers if answer.status_code == 201)
    for answer in answers:
        if answer.status_code == 409:
            assert answer.json()["type"] == "/problems/handoff-already-open"
            assert answer.json()["handoff_id"] == winner


async def test_two_who_hurry_start_one_round(desk: Desk) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate()
    await desk.until_handoff(handoff, round=1)
    await asyncio.gather(
        *(desk.command(who, handoff, "escalate-now", {"round": 1}) for who in (BO, AMIR, OLIVE))
    )
    await desk.until_handoff(handoff, round=2)
    assert (await desk.history(handoff)).count("re_escalated") == 1


async def test_events_are_numbered_without_gaps_whoever_writes_them(desk: Desk) -> None:
    desk.mail_matters = False
    async with desk.listen(AMIR) as amir:
        handoffs = await asyncio.gather(*(desk.escalate(priority="urgent") for _ in range(12)))
        await asyncio.gather(*(desk.claim(CHEN, handoff) for handoff in handoffs))
        for _ in handoffs:
            await amir.hear("claimed")
    numbers = amir.numbers
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
