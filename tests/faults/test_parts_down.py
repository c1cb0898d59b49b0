"""Each part down in turn: what was promised holds, and nobody waits for what is not needed."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from handoff.temporal.connect import connect
from tests.support.cast import AMIR, BO, CHEN, OLIVE, SENIORS
from tests.support.desk import Desk, Handoff, open_desk
from tests.support.servers import Servers


@pytest.mark.desk(create_wait="1500ms")
async def test_without_a_worker_a_create_is_accepted_and_completes_later(desk: Desk) -> None:
    await desk.stop_worker()
    session_id = await desk.start_session()
    accepted = await desk.hand_off(session_id)
    assert accepted.status_code == 202
    location = accepted.headers["Location"]
    handoff = Handoff(accepted.json()["id"], session_id, BO)
    assert location == handoff.path
    assert (await desk.http(BO).get(location)).status_code == 404
    await desk.start_worker()
    await desk.expect_mails(SENIORS, handoff, round=1)
    assert (await desk.see(handoff))["status"] == "open"


@pytest.mark.desk(claim_timeout="1500ms")
async def test_without_a_worker_claims_are_answered_at_once_and_stay_final(desk: Desk) -> None:
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff, round=1)
    await desk.stop_worker()
    assert (await desk.claim(CHEN, handoff)).status_code == 200
    assert (await desk.claim(AMIR, handoff)).status_code == 409
    await desk.start_worker()
    for member in (AMIR, OLIVE, BO):
        await desk.expect_mail(member, handoff, says="Claimed by Chen")
    assert await desk.history(handoff) == ["created", "notified", "claimed"]


async def test_an_engine_that_cannot_be_reached_is_503_within_three_seconds(
    servers: Servers, database_url: str, temporal: Any
) -> None:
    nowhere = await connect(lazy=True, target_host="127.0.0.1:9")
    async with open_desk(
        database_url=database_url,
        redis_url=servers.redis_url,
        temporal=temporal,
        api_temporal=nowhere,
    ) as desk:
        session_id = await desk.start_session()
        began = time.monotonic()
        refused = await desk.hand_off(session_id)
        assert time.monotonic() - began < 3
        assert refused.status_code == 503
        assert refused.headers["Retry-After"]
        assert refused.json()["type"] == "/problems/engine-unreachable"
        assert await desk.queue(AMIR) == []


async def test_an_engine_that_stands_still_promises_nothing_and_a_repeat_finds_what_it_heard(
    servers: Servers, desk: Desk
) -> None:
    desk.mail_matters = False
    session_id = await desk.start_session()
    path, key = f"/ai-sessions/{session_id}/handoff", {"Idempotency-Key": str(session_id)}

    async def ask() -> httpx.Response:
        return await desk.http(BO).post(path, json={"intent": "escalate"}, headers=key)

    servers.temporal.freeze()
    try:
        began = time.monotonic()
        refused = await ask()
        assert time.monotonic() - began < 3
    finally:
        servers.temporal.thaw()
    assert refused.status_code == 503
    assert refused.headers["Retry-After"]
    assert "may have heard of it" in refused.json()["detail"]
    again = await desk.until(lambda: _taken(ask))
    handoffs = (await desk.http(BO).get(f"/ai-sessions/{session_id}/handoffs")).json()
    assert [one["id"] for one in handoffs] == [again.json()["id"]]


async def _taken(ask: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response | None:
    answer = await ask()
    return answer if answer.status_code == 201 else None


async def test_a_claim_is_final_while_the_engine_is_down_and_is_carried_out_later(
    servers: Servers, database_url: str, temporal: Any
) -> None:
    async with open_desk(
        database_url=database_url, redis_url=servers.redis_url, temporal=temporal
    ) as desk:
        handoff = await desk.escalate()
        await desk.expect_mails(SENIORS, handoff, round=1)
        assert desk.services is not None
        desk.services.temporal = await connect(lazy=True, target_host="127.0.0.1:9")
        assert (await desk.claim(AMIR, handoff)).status_code == 200
        # The signal was lost; the worker repeats it, because the engine has not seen the version.
        for member in (CHEN, OLIVE, BO):
            await desk.expect_mail(member, handoff, says="Claimed by Amir")


async def test_a_dead_redis_neither_delays_nor_undoes_a_handoff(
    servers: Servers, database_url: str, temporal: Any
) -> None:
    async with (
        open_desk(
            database_url=database_url,
            redis_url="redis://127.0.0.1:9/0",
            temporal=temporal,
            stream_quiet="300ms",
        ) as desk,
        desk.listen(CHEN) as chen,
    ):
        handoff = await desk.escalate()
        await desk.expect_mails(SENIORS, handoff, round=1)
        await chen.hear("created")
        await chen.hear("notified")
        assert (await desk.claim(AMIR, handoff)).status_code == 200
        await chen.hear("claimed")
        ready = await desk.operator().get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
        desk.mail_matters = False


async def test_a_dead_mail_server_delays_nothing_and_loses_nothing(desk: Desk) -> None:
    await desk.postbox.go_down()
    handoff = await desk.escalate()

    async def all_are_tried() -> bool:
        rows = [row for row in await desk.deliveries(handoff) if row["channel"] == "email"]
        return len(rows) == 3 and all(row["state"] == "retrying" for row in rows)

    await desk.until(all_are_tried)
    await desk.postbox.come_back()
    await desk.expect_mails(SENIORS, handoff, round=1)
    rows = [row for row in await desk.deliveries(handoff) if row["channel"] == "email"]
    assert {row["attempts"][0]["cause"] for row in rows} == {"connection"}


async def test_one_bad_address_harms_nobody_else(desk: Desk) -> None:
    desk.postbox.refuse_recipient(550, CHEN.email)
    async with desk.listen(OLIVE) as olive:
        handoff = await desk.escalate()
        await desk.expect_mails((AMIR, OLIVE), handoff, round=1)
        failed = await olive.hear("delivery_failed")
    assert failed.data["data"]["details"]["recipient"]["name"] == "Chen"
    states = {
        row["recipient"]["name"]: row["state"]
        for row in await desk.deliveries(handoff)
        if row["channel"] == "email"
    }
    assert states["Chen"] == "failed"


async def test_a_line_dropped_after_the_content_is_sent_again_under_the_same_id(
    desk: Desk,
) -> None:
    desk.postbox.drop_after_content(CHEN.email, times=1)
    handoff = await desk.escalate()
    await desk.expect_mails((AMIR, OLIVE), handoff, round=1)
    first = await desk.expect_mail(CHEN, handoff)
    second = await desk.expect_mail(CHEN, handoff)
    assert first.message_id == second.message_id
    await desk.until(lambda: _is_sent(desk, handoff))
    [row] = [
        row
        for row in await desk.deliveries(handoff)
        if row["recipient"]["name"] == "Chen" and row["channel"] == "email"
    ]
    assert [attempt["outcome"] for attempt in row["attempts"]] == ["ambiguous", "sent"]


async def _is_sent(desk: Desk, handoff: Handoff) -> bool:
    rows = [row for row in await desk.deliveries(handoff) if row["channel"] == "email"]
    return all(row["state"] == "sent" for row in rows)


async def test_a_claim_stops_a_mail_that_is_being_retried(desk: Desk) -> None:
    desk.postbox.refuse_recipient(451, CHEN.email)
    handoff = await desk.escalate()
    await desk.expect_mails((AMIR, OLIVE), handoff, round=1)
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    desk.postbox.behave()
    for member in (OLIVE, BO):
        await desk.expect_mail(member, handoff, says="Claimed by Amir")
    [row] = [
        row
        for row in await desk.deliveries(handoff)
        if row["recipient"]["name"] == "Chen" and row["channel"] == "email"
    ]
    assert (row["state"], row["reason"]) == ("skipped", "claimed")


@pytest.mark.alone
async def test_a_hundred_claimers_settle_at_once_and_one_wins(desk: Desk) -> None:
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff, round=1)
    claimers = [AMIR, CHEN, OLIVE]
    answers = await asyncio.gather(*(desk.claim(claimers[n % 3], handoff) for n in range(99)))
    won = [answer for answer in answers if answer.status_code == 200]
    assert len({answer.json()["claimed_by"]["id"] for answer in won}) == 1
    assert {answer.status_code for answer in answers} == {200, 409}
    holder = won[0].json()["claimed_by"]
    assert all(
        answer.json()["claimed_by"] == holder for answer in answers if answer.status_code == 409
    )
    assert (await desk.history(handoff)).count("claimed") == 1
    desk.mail_matters = False


@pytest.mark.desk(create_wait="1500ms")
async def test_of_two_creates_that_nobody_recorded_yet_the_first_one_counts(desk: Desk) -> None:
    await desk.stop_worker()
    session_id = await desk.start_session()
    first = await desk.hand_off(session_id)
    assert first.status_code == 202
    second = await desk.hand_off(session_id, intent="park")
    assert second.status_code == 409
    assert second.json()["type"] == "/problems/handoff-already-open"
    assert second.json()["handoff_id"] == first.json()["id"]
    await desk.start_worker()
    handoff = Handoff(first.json()["id"], session_id, BO)
    await desk.expect_mails(SENIORS, handoff, round=1)
    assert (await desk.command(BO, handoff, "cancel")).status_code == 200
    assert (await desk.hand_off(session_id, intent="park")).status_code == 201
    desk.mail_matters = False


@pytest.mark.desk(create_wait="1500ms")
async def test_two_creates_at_once_without_a_worker_are_one(desk: Desk) -> None:
    await desk.stop_worker()
    session_id = await desk.start_session()
    answers = await asyncio.gather(*(desk.hand_off(session_id) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409]
    [accepted] = [answer.json()["id"] for answer in answers if answer.status_code == 202]
    await desk.start_worker()
    await desk.expect_mails(SENIORS, Handoff(accepted, session_id, BO), round=1)


@pytest.mark.desk(create_wait="1500ms")
async def test_what_the_engine_has_lost_keeps_no_session(desk: Desk) -> None:
    await desk.stop_worker()
    session_id = await desk.start_session()
    accepted = await desk.hand_off(session_id)
    lost = Handoff(accepted.json()["id"], session_id, BO)
    await desk.workflow(lost).terminate("lost with the store")
    await desk.start_worker()
    again = await desk.hand_off(session_id)
    assert again.status_code == 201
    await desk.expect_mails(SENIORS, Handoff(again.json()["id"], session_id, BO), round=1)
