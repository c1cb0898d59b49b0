"""Callbacks of one account at the same time: it has so many places, and others have theirs."""

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

from activities.sender import Message, Occasion, SendOutcome
from activities.webhooks.callbacks import OF_ONE_ACCOUNT, CallbackSender
from activities.webhooks.posting import Parcel, Posted
from handoff.contract.words import DeliveryState
from handoff.rules.causes import Cause


class Slow:
    """Answers when it is let."""

    def __init__(self) -> None:
        self.posting = 0
        self.answers = asyncio.Event()

    async def post(self, _: Parcel) -> Posted:
        self.posting += 1
        await self.answers.wait()
        return Posted(204, Cause.ACCEPTED, timedelta(0))


class Opened(CallbackSender):
    """What it sends was not sealed."""

    def _parcel(self, message: Message, _: Occasion) -> Parcel:
        return Parcel(message.id, message.to_address, "{}", [])


async def send(sender: CallbackSender, account_id: UUID, port: int) -> SendOutcome | None:
    due: Any = SimpleNamespace(account_id=account_id, callback_hosts=["a.test"])
    record: Any = None

    async def may_leave() -> Occasion:
        return Occasion(due, record)

    return await sender.send(Message("m", "a", f"https://a.test:{port}/"), may_leave=may_leave)


async def test_one_account_does_not_take_all_places_however_many_ports_it_names() -> None:
    poster: Any = Slow()
    settings: Any = None
    sender = Opened(settings, poster)
    one, other = uuid4(), uuid4()
    async with asyncio.TaskGroup() as group:
        sends = [group.create_task(send(sender, one, port)) for port in range(1, 51)]
        late, _ = await asyncio.wait(sends, timeout=3, return_when="FIRST_COMPLETED")
        assert poster.posting == OF_ONE_ACCOUNT
        outcomes = [task.result() for task in late]
        assert {outcome and outcome.cause for outcome in outcomes} == {Cause.SERVER_BUSY}
        others = group.create_task(send(sender, other, 1))
        async with asyncio.timeout(2):
            while poster.posting == OF_ONE_ACCOUNT:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0)
        poster.answers.set()
    assert others.result() == SendOutcome(DeliveryState.SENT, 204, Cause.ACCEPTED)
