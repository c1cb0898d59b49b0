"""The test notification: a real one's way, and an honest word on what became of it."""

import json
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from handoff import live
from handoff.temporal.connect import connect
from tests.support.cast import ACME, BO, VERA, Member
from tests.support.desk import Desk


async def ask(desk: Desk, who: Member = BO, **headers: str) -> Any:
    return await desk.http(who).post("/me/test-notification", headers=headers)


async def result(desk: Desk, who: Member = BO) -> dict[str, Any]:
    answer = await ask(desk, who)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def test_a_mail_and_a_push_and_what_became_of_them(desk: Desk) -> None:
    url = desk.settings.redis_url.get_secret_value()
    async with Redis.from_url(url, decode_responses=True) as redis, redis.pubsub() as subscription:
        await subscription.subscribe(live.channel(ACME))
        assert (await subscription.get_message(timeout=5))["type"] == "subscribe"
        shown = await result(desk, VERA)
        heard = await subscription.get_message(timeout=5)
    assert shown == {
        "email": {"state": "sent", "code": 250, "cause": "accepted", "temporary": False},
        "push": {"state": "published", "code": None, "cause": None, "temporary": False},
    }
    mail = await desk.expect_mail(VERA, subject="Test notification")
    assert mail.message["Message-ID"].startswith("<test.")
    envelope = json.loads(heard["data"])
    assert (envelope["type"], envelope["id"]) == ("handoff.test", "0")
    assert envelope["data"]["recipient"] == {"id": str(VERA.id), "name": "Vera"}


@pytest.mark.parametrize(("code", "temporary"), [(550, False), (451, True)])
async def test_a_refusal_is_told_with_its_code_and_not_tried_again(
    desk: Desk, code: int, temporary: bool
) -> None:
    desk.postbox.refuse_recipient(code, BO.email)
    email = (await result(desk))["email"]
    assert (email["state"], email["code"], email["temporary"]) == ("failed", code, temporary)


async def test_a_mail_server_that_is_down(desk: Desk) -> None:
    await desk.postbox.go_down()
    shown = await result(desk)
    assert shown["email"] == {
        "state": "failed",
        "code": None,
        "cause": "connection",
        "temporary": True,
    }
    assert shown["push"]["state"] == "published"


async def test_a_channel_that_is_switched_off_stays_silent(desk: Desk) -> None:
    await desk.http(BO).put("/me/notifications", json={"email": {"enabled": False}})
    shown = await result(desk)
    assert (shown["email"]["state"], shown["email"]["cause"]) == ("skipped", "opted_out")
    assert shown["push"]["state"] == "published"
    await desk.http(BO).put("/me/notifications", json={"push": {"enabled": False}})
    shown = await result(desk)
    assert (shown["push"]["state"], shown["push"]["cause"]) == ("skipped", "opted_out")
    await desk.expect_mail(BO, subject="Test notification")


async def test_quiet_hours_and_a_minimum_priority_do_not_silence_it(desk: Desk) -> None:
    all_day = {"start": "00:00", "end": "23:59", "time_zone": "UTC"}
    choices = {"email": {"minimum_priority": "urgent"}, "quiet_hours": all_day}
    await desk.http(BO).put("/me/notifications", json=choices)
    assert (await result(desk))["email"]["state"] == "sent"
    await desk.expect_mail(BO, subject="Test notification")


async def test_the_same_request_sends_one_mail(desk: Desk) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    first, again = await ask(desk, BO, **key), await ask(desk, BO, **key)
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    await desk.expect_mail(BO, subject="Test notification")


@pytest.mark.desk(worker=False)
async def test_without_a_worker_it_is_under_way(desk: Desk) -> None:
    answer = await ask(desk)
    assert (answer.status_code, answer.json()) == (202, {"state": "under way"})


@pytest.mark.desk(worker=False)
async def test_without_the_engine_nothing_is_promised(desk: Desk) -> None:
    assert desk.services is not None
    desk.services.temporal = await connect(lazy=True, target_host="127.0.0.1:1")
    answer = await ask(desk)
    assert answer.status_code == 503
    assert answer.json()["type"] == "/problems/engine-unreachable"
    assert "Retry-After" in answer.headers
    desk.services.temporal = desk.temporal


async def test_strangers_get_none(desk: Desk) -> None:
    assert (await desk.http().post("/me/test-notification")).status_code == 401
