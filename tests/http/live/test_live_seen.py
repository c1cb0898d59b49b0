"""A push that was seen says so in the ledger: one's own, once, and nobody else's."""

import asyncio
import json
from typing import Any

import pytest

from tests.http.live.test_live_socket import say, talk
from tests.support.cast import AMIR, BO, CHEN, GINA, HUGO, OLIVE, VERA, Member
from tests.support.desk import Desk, Handoff


async def pushes(desk: Desk, handoff: Handoff, event: str = "notified") -> dict[str, str]:
    """By name, what became of the pushes of this event."""
    return {
        row["recipient"]["name"]: row["state"]
        for row in await desk.deliveries(handoff)
        if row["channel"] == "push" and row["event"] == event
    }


async def published(desk: Desk) -> tuple[Handoff, int]:
    """An escalation whose pushes Redis has taken, and the number of the event."""
    desk.mail_matters = False
    handoff = await desk.escalate()

    async def taken() -> bool:
        states = set((await pushes(desk, handoff)).values())
        return states == {"published"}

    await desk.until(taken)
    events = (await desk.http(BO).get(f"{handoff.path}/events")).json()
    return handoff, next(int(e["id"]) for e in events if e["type"] == "handoff.notified")


async def seen(desk: Desk, who: Member, numbers: Any) -> int:
    answer = await desk.http(who).post("/events/seen", json={"numbers": numbers})
    return answer.status_code


async def test_whoever_saw_it_stands_in_the_ledger(desk: Desk) -> None:
    handoff, number = await published(desk)
    for _ in range(2):
        assert await seen(desk, AMIR, [number, number, 1, 4711]) == 204
        assert await pushes(desk, handoff) == {
            "Amir": "seen",
            "Chen": "published",
            "Olive": "published",
        }
    assert {
        row["state"] for row in await desk.deliveries(handoff) if row["channel"] == "email"
    } <= {"queued", "sending", "sent"}


async def test_a_socket_may_say_it_too(desk: Desk) -> None:
    handoff, number = await published(desk)
    async with talk(desk, CHEN) as socket:
        await say(socket, seen=[number])

        async def noted() -> bool:
            return (await pushes(desk, handoff))["Chen"] == "seen"

        await desk.until(noted)
        assert (await pushes(desk, handoff))["Olive"] == "published"


async def test_it_may_be_seen_before_redis_has_said_that_it_took_it(desk: Desk) -> None:
    await desk.stop_worker()
    desk.mail_matters = False
    session = await desk.start_session()
    handing = asyncio.create_task(desk.hand_off(session))
    await desk.start_worker()
    answer = await handing
    handoff = Handoff(answer.json()["id"], session, BO)
    events: list[Any] = []

    async def notified() -> bool:
        events[:] = (await desk.http(BO).get(f"{handoff.path}/events")).json()
        return any(event["type"] == "handoff.notified" for event in events)

    await desk.until(notified)
    number = next(int(e["id"]) for e in events if e["type"] == "handoff.notified")
    await seen(desk, OLIVE, [number])

    async def settled() -> bool:
        states = await pushes(desk, handoff)
        return states == {"Amir": "published", "Chen": "published", "Olive": "seen"}

    await desk.until(settled)


@pytest.mark.parametrize("who", [HUGO, GINA, BO, VERA])
async def test_whom_it_was_not_for_changes_nothing(desk: Desk, who: Member) -> None:
    handoff, number = await published(desk)
    assert await seen(desk, who, [number]) == 204
    assert set((await pushes(desk, handoff)).values()) == {"published"}
    async with talk(desk, who) as socket:
        await say(socket, seen=[number])
        await (await socket.ping())
    assert set((await pushes(desk, handoff)).values()) == {"published"}


async def test_the_same_number_of_another_account_is_another_event(desk: Desk) -> None:
    handoff, number = await published(desk)
    await desk.escalate(HUGO)
    await seen(desk, GINA, list(range(1, number + 5)))
    assert set((await pushes(desk, handoff)).values()) == {"published"}


@pytest.mark.parametrize(
    "numbers",
    [[], "1", [0], [-1], [1.5], ["1"], [True], [2**63], [None], list(range(1, 202)), {}],
)
async def test_what_are_no_numbers_of_events_is_refused(desk: Desk, numbers: Any) -> None:
    assert await seen(desk, AMIR, numbers) == 422


async def test_two_hundred_at_once_are_taken_and_no_stranger_is(desk: Desk) -> None:
    assert await seen(desk, AMIR, list(range(1, 201))) == 204
    answer = await desk.http().post("/events/seen", content=json.dumps({"numbers": [1]}))
    assert answer.status_code in (401, 415, 422)
