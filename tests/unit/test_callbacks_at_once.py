"""Callbacks of one account at the same time: it has so many places, and others have theirs."""

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from activities.sender import Message, NotNow, Occasion, SendOutcome
from activities.turns import A_SECOND, AGAIN, AccountTurns
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

    def _opened(self, message: Message) -> dict[str, Any]:
        return {"url": message.to_address, "token": None}

    def _parcel(self, message: Message, _: Occasion, told: dict[str, Any]) -> Parcel:
        return Parcel(message.id, message.account_id, told["url"], "{}", [])


async def send(sender: CallbackSender, account_id: UUID, port: int) -> SendOutcome | None:
    due: Any = SimpleNamespace(account_id=account_id, callback_hosts=["a.test"])
    record: Any = None

    async def may_leave() -> Occasion:
        return Occasion(due, record)

    message = Message("m", account_id, uuid4(), "a", f"https://a.test:{port}/")
    return await sender.send(message, may_leave=may_leave)


async def test_one_account_does_not_take_all_places_however_many_ports_it_names() -> None:
    poster: Any = Slow()
    settings: Any = None
    sender = Opened(settings, poster)
    one, other = uuid4(), uuid4()
    sends = [asyncio.create_task(send(sender, one, port)) for port in range(1, 1001)]
    for _ in range(5):
        await asyncio.sleep(0)
    # Nobody waits: whoever waits holds a place that others need.
    turned_away = [task for task in sends if task.done()]
    assert (len(turned_away), poster.posting) == (1000 - OF_ONE_ACCOUNT, OF_ONE_ACCOUNT)
    assert {type(task.exception()) for task in turned_away} == {NotNow}
    others = asyncio.create_task(send(sender, other, 1))
    for _ in range(5):
        await asyncio.sleep(0)
    assert poster.posting == OF_ONE_ACCOUNT + 1
    poster.answers.set()
    assert await others == SendOutcome(DeliveryState.SENT, 204, Cause.ACCEPTED)
    await asyncio.wait(sends)


async def test_few_come_again_in_a_second_and_thousands_one_after_the_other() -> None:
    turns, account = AccountTurns(of_account=1), uuid4()
    pauses: list[timedelta] = []
    async with turns.turn(account):
        for _ in range(10 * A_SECOND):
            with pytest.raises(NotNow) as refused:
                async with turns.turn(account):
                    pass
            pauses.append(refused.value.pause)
    assert all(AGAIN / 2 < pause < 2 * AGAIN for pause in pauses[:A_SECOND])
    assert pauses[-1] > 5 * AGAIN
    async with turns.turn(account):
        pass


async def test_a_slow_place_leaves_the_accounts_others_their_turns() -> None:
    turns, account = AccountTurns(of_account=3, at_place=2), uuid4()
    async with turns.turn(account, "slow"), turns.turn(account, "slow"):
        with pytest.raises(NotNow):
            async with turns.turn(account, "slow"):
                pass
        async with turns.turn(account, "other"):
            with pytest.raises(NotNow):
                async with turns.turn(account, "third"):
                    pass
