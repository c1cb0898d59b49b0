"""Turns at the connections: one account's trouble leaves the others some of them."""

import asyncio
from contextlib import AsyncExitStack
from uuid import UUID, uuid4

import pytest

from handoff.database.turns import Turns
from handoff.errors import Busy


async def come(turns: Turns, account: UUID) -> None:
    """Takes a turn and gives it back at once."""
    async with turns.of(account):
        pass


async def test_one_account_has_so_many_and_the_others_theirs() -> None:
    turns = Turns(at_once=2, waiting=1, seconds=0.05)
    one, other = uuid4(), uuid4()
    async with AsyncExitStack() as held:
        for account in (one, one, other):
            await held.enter_async_context(turns.of(account))
        with pytest.raises(Busy) as busy:
            await held.enter_async_context(turns.of(one))
        assert busy.value.facts["retry_after"] > 0
        await held.enter_async_context(turns.of(other))
    async with turns.of(one):
        pass
    assert not turns._accounts


async def test_whoever_waits_comes_in_when_somebody_leaves() -> None:
    turns, account = Turns(at_once=1, waiting=1, seconds=5), uuid4()
    async with turns.of(account):
        waiting = asyncio.create_task(come(turns, account))
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await come(turns, account)
    await waiting
    assert not turns._accounts


async def test_whoever_gives_up_leaves_nothing_behind() -> None:
    turns, account = Turns(at_once=1, waiting=1, seconds=5), uuid4()
    async with turns.of(account):
        waiting = asyncio.create_task(come(turns, account))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
    await come(turns, account)
    assert not turns._accounts
