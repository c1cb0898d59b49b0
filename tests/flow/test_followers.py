"""Followers of webhooks between their turns: they hear in every one, and let go between posts."""

import asyncio
import json
from datetime import timedelta
from uuid import UUID

import pytest
from pydantic import SecretStr
from sqlalchemy import func, select, update

from activities.webhooks.bells import Bells
from handoff import live
from handoff.database.tables import EndpointRow, EventRow, WebhookRow
from handoff.keys import keyring_of
from handoff.sealing import callback_purpose, unseal
from handoff.temporal import queues
from tests.flow.test_webhooks import make
from tests.support import history
from tests.support.cast import AMIR, BO, OLIVE
from tests.support.desk import PAYLOAD_KEYS, Desk
from tests.support.receiver import Answer, Got, Receiver
from worker.followers import SILENT, STUCK, Followers

QUICK = {
    "webhook_private": "allow",
    "webhook_retry_initial": "100ms",
    "webhook_takeover": "1s",
    "burst_window": "0s",
}
pytestmark = pytest.mark.desk(**QUICK)


@pytest.fixture(autouse=True)
def _quiet(desk: Desk) -> None:
    desk.mail_matters = False


async def test_whoever_listens_again_after_everybody_left_hears_the_bell(desk: Desk) -> None:
    assert desk.services is not None
    redis, account_id = desk.services.redis, UUID(str(OLIVE.account_id))
    bells = Bells(redis, quiet=5)
    for _ in range(2):
        with bells.hear(account_id) as ear:
            async with asyncio.timeout(3):
                await ear.rung.wait()  # It is subscribed to.
            ear.rung.clear()
            await redis.publish(live.channel(account_id), "anything")
            async with asyncio.timeout(3):
                await ear.rung.wait()


async def test_an_orderly_stop_lets_go_between_two_posts(desk: Desk, receiver: Receiver) -> None:
    async def slowly(_: Got) -> Answer:
        await asyncio.sleep(0.5)
        return 204, {}

    receiver.answer = slowly
    handoff = await desk.park(BO)
    await make(desk, receiver.url)
    numbers = await history.write(desk, handoff, 15)
    await receiver.until(lambda: len(receiver.got) >= 2)
    await desk.stop_worker()
    assert len(receiver.got) < 8
    receiver.answer = None
    await desk.start_worker()
    await receiver.until(lambda: len(set(receiver.numbers)) == len(numbers))
    assert receiver.numbers == numbers


async def test_admins_hear_of_it_although_whoever_disabled_it_died(
    desk: Desk, receiver: Receiver
) -> None:
    made = await make(desk, receiver.url)
    gone = update(WebhookRow).values(disabled_at=func.now(), disabled_why="gone")
    async with desk.database.engine_room() as connection:
        await connection.execute(gone)
    handle = desk.temporal.get_workflow_handle(queues.webhook_workflow_id(UUID(made["id"])))
    for _ in range(2):
        await desk.http(OLIVE).put(f"/webhooks/{made['id']}", json={"url": receiver.url})
        async with asyncio.timeout(15):
            await handle.result()
    for admin in (AMIR, OLIVE):
        await desk.expect_mail(admin, subject="A webhook was disabled")
    assert not desk.postbox.unclaimed


@pytest.mark.expects_errors
async def test_whoever_enables_it_waits_for_no_mail(desk: Desk, receiver: Receiver) -> None:
    async def gone(_: Got) -> Answer:
        return 410, {}

    receiver.answer = gone
    made = await make(desk, receiver.url)
    await desk.postbox.go_down()
    await desk.park(BO)

    handle = desk.temporal.get_workflow_handle(queues.webhook_workflow_id(UUID(made["id"])))

    async def mailed_in_vain() -> bool:
        described = (await handle.describe()).raw_description
        return any(one.attempt > 1 for one in described.pending_activities)

    await desk.until(mailed_in_vain)
    receiver.answer = None
    await desk.http(OLIVE).post(f"/webhooks/{made['id']}/enable")
    await receiver.until(lambda: len(receiver.got) == 2, within=3)
    await desk.postbox.come_back()


@pytest.mark.parametrize(("stuck", "kind"), [(True, STUCK), (False, SILENT)])
async def test_a_follower_that_does_nothing_is_found_and_stirred(
    desk: Desk, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, stuck: bool, kind: str
) -> None:
    handoff = await desk.park(BO)
    await desk.stop_worker()
    made = await make(desk, receiver.url)
    await history.write(desk, handoff, 2)
    async with desk.database.engine_room() as connection:
        long_ago = WebhookRow.created_at - timedelta(hours=1)
        await connection.execute(update(WebhookRow).values(created_at=long_ago))
        await connection.execute(update(EventRow).values(at=EventRow.at - timedelta(hours=1)))
    handle = desk.temporal.get_workflow_handle(queues.webhook_workflow_id(UUID(made["id"])))
    before = (await handle.describe()).run_id
    monkeypatch.setattr("worker.followers.is_stuck", lambda _: stuck)
    followers = Followers(desk.temporal, desk.database, desk.settings)
    assert await followers.look() == 0
    [found] = await followers.look_at_silent(grace=timedelta(minutes=5))
    assert (found.kind, made["id"] in found.detail) == (kind, True)
    assert ((await handle.describe()).run_id != before) is stuck
    await desk.start_worker()
    await receiver.until(lambda: bool(receiver.got))

    async def none_is_silent() -> bool:
        return await followers.look_at_silent(grace=timedelta(minutes=5)) == []

    await desk.until(none_is_silent)


async def test_a_callback_that_waits_is_sealed_with_todays_key(desk: Desk) -> None:
    await desk.http(OLIVE).put("/account", json={"callback_hosts": ["jobs.example.com"]})
    callback = {"url": "https://jobs.example.com/done", "token": "theirs"}
    handoff = await desk.park(BO, callback=callback)
    newer = SecretStr("newer:" + "b" * 64 + "," + PAYLOAD_KEYS)
    turned = desk.settings.model_copy(update={"payload_keys": newer})
    await Followers(desk.temporal, desk.database, turned).look()
    async with desk.database.engine_room() as connection:
        kept = select(EndpointRow.address).where(EndpointRow.id == handoff.id)
        sealed = (await connection.execute(kept)).scalar_one()
    opened = unseal(keyring_of(turned), sealed, purpose=callback_purpose(handoff.id))
    assert (sealed.split("-")[0], json.loads(opened)["token"]) == ("newer", "theirs")
