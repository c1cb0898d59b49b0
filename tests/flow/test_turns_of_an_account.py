"""Whoever has no turn yet was not tried: it comes again soon, and that counts nowhere."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from temporalio.client import Client

from activities.sender import MayLeave, Message, NotNow, SendOutcome
from activities.turns import soon
from activities.webhooks import callbacks
from activities.webhooks.callbacks import CallbackSender
from handoff.database.operations import health
from handoff.database.tables import DeliveryRow
from handoff.rules.channels import CALLBACK
from tests.support.cast import ACME, BO, GINA, GLOBEX, HUGO, OLIVE, Member
from tests.support.desk import Desk, open_desk
from tests.support.receiver import Answer, Got, Receiver
from tests.support.servers import Servers

AT_ONCE = 10
"""People who work at the same time."""

MANY = 60


@pytest.fixture
async def desk(
    database_url: str, servers: Servers, temporal: Client, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Desk]:
    """A worker with few places for callbacks."""
    monkeypatch.setattr(callbacks, "CONNECTIONS", callbacks.AT_ONE_HOST + 1)
    async with open_desk(
        database_url=database_url,
        redis_url=servers.redis_url,
        temporal=temporal,
        webhook_private="allow",
        webhook_timeout="60s",
        rate_creates_per_user=0,
    ) as desk:
        desk.mail_matters = False
        for who in (OLIVE, GINA):
            hosts = {"callback_hosts": ["127.0.0.1"]}
            assert (await desk.http(who).put("/account", json=hosts)).status_code == 200
        yield desk


async def close_many(desk: Desk, who: Member, url: str, count: int) -> None:
    """So many handoffs end, each with a callback."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def close_one() -> None:
        async with turns:
            handoff = await desk.park(who, callback={"url": url})
            assert (await desk.command(who, handoff, "cancel")).status_code == 200

    await asyncio.gather(*(close_one() for _ in range(count)))


async def tries(desk: Desk, account_id: UUID) -> list[int]:
    """How many attempts the account's callbacks have."""
    async with desk.database.account(account_id) as tenant:
        counted = func.jsonb_array_length(DeliveryRow.attempts)
        query = tenant.select(DeliveryRow, counted).where(DeliveryRow.channel == CALLBACK.name)
        return list((await tenant.connection.scalars(query)).all())


async def never(_: Got) -> Answer | None:
    return None


@pytest.mark.alone
@pytest.mark.timeout(120)
async def test_many_callbacks_to_one_slow_host_all_arrive_within_seconds(
    desk: Desk, receiver: Receiver
) -> None:
    all_wait = asyncio.Event()

    async def slowly(_: Got) -> Answer:
        await all_wait.wait()
        await asyncio.sleep(0.1)
        return 204, {}

    receiver.answer = slowly
    await close_many(desk, BO, receiver.url, MANY)
    trouble = await health.channel_trouble(desk.database, CALLBACK, within=desk.settings.retention)
    assert trouble is None
    all_wait.set()
    await receiver.until(lambda: len(receiver.got) == MANY, within=10)
    assert len({got.id for got in receiver.got}) == MANY

    async def all_told() -> bool:
        return await tries(desk, ACME) == [1] * MANY

    await desk.until(all_told)


@pytest.mark.alone
@pytest.mark.timeout(120)
async def test_one_accounts_flood_to_a_dead_host_does_not_delay_anothers_callback(
    desk: Desk, receiver: Receiver
) -> None:
    async with Receiver(answer=never) as dead:
        await close_many(desk, BO, dead.url, 25)
        await dead.until(lambda: len(dead.got) == callbacks.AT_ONE_HOST)
        await close_many(desk, HUGO, receiver.url, 1)
        await receiver.until(lambda: len(receiver.got) == 1, within=4)
    assert await tries(desk, GLOBEX) in ([0], [1])


async def test_who_was_turned_away_after_its_last_look_stands_as_before(
    desk: Desk, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack finds out late that another event of the handoff is being told of."""
    seen: list[str] = []
    told = CallbackSender.send

    async def late(
        self: CallbackSender, message: Message, *, may_leave: MayLeave
    ) -> SendOutcome | None:
        if len(seen) < 2:
            await may_leave()
            seen.append(message.id)
            raise NotNow(soon() / 10)
        async with desk.database.engine_room() as connection:
            state = select(DeliveryRow.state).where(DeliveryRow.channel == CALLBACK.name)
            seen.append((await connection.execute(state)).scalar_one().value)
        return await told(self, message, may_leave=may_leave)

    monkeypatch.setattr(CallbackSender, "send", late)
    await close_many(desk, BO, receiver.url, 1)
    await receiver.until(lambda: len(receiver.got) == 1)
    assert seen[2] == "queued"

    async def told_once() -> Any:
        return await tries(desk, ACME) == [1]

    await desk.until(told_once)
