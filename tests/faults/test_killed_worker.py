"""A worker that is killed while mails leave: nobody is missed, and copies are few."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest

from tests.support.cast import SENIORS
from tests.support.desk import Desk, Handoff, open_desk
from tests.support.mortal_workers import mortal_worker
from tests.support.postbox import Mail
from tests.support.servers import Servers
from tests.support.staff import hire

CONNECTIONS = 4
DEATHS = 30
HANDOFFS = 42
RECIPIENTS = 9


@pytest.fixture
async def desk(servers: Servers, database_url: str, temporal: Any) -> AsyncIterator[Desk]:
    """Its API carries the workflows; whatever leaves, leaves from a process that can be killed."""
    async with open_desk(
        database_url=database_url,
        redis_url=servers.redis_url,
        temporal=temporal,
        worker=False,
        workflow_slots=20,
        smtp_connections=CONNECTIONS,
        burst_window="0s",
    ) as opened:
        opened.mail_matters = False
        yield opened


async def _escalate_all(desk: Desk) -> list[Handoff]:
    handoffs = []
    for number in range(HANDOFFS):
        handoffs.append(await desk.escalate(title=f"VPN {number}"))
        await asyncio.sleep(0.3)
    return handoffs


@pytest.mark.alone
@pytest.mark.timeout(120)
@pytest.mark.expects_errors
async def test_thirty_deaths_cost_a_copy_per_connection_at_most(desk: Desk) -> None:
    await hire(desk, RECIPIENTS - len(SENIORS))
    escalating = asyncio.create_task(_escalate_all(desk))
    ends = [0]
    for _ in range(DEATHS):
        async with mortal_worker(desk.settings) as worker:
            await _some_leave(desk, 5)
            # In the middle of one at least, where there are any.
            unanswered = desk.postbox.never_answer_content(times=1)
            with suppress(TimeoutError):
                await asyncio.wait_for(unanswered.met.wait(), 0.3)
            await worker.kill()
            unanswered.end()
        await desk.postbox.all_gone()
        ends.append(len(desk.postbox.mails))
    handoffs = await escalating
    async with mortal_worker(desk.settings):
        await desk.until(lambda: _all_are_told(desk), within=40)
        for handoff in handoffs:
            await desk.until_told(handoff)
    copies = _copies(desk.postbox.mails, ends)
    assert sum(copies) > 0, "nobody was killed in the middle of anything"
    assert max(copies) <= CONNECTIONS, copies


async def _all_are_told(desk: Desk) -> bool:
    mails = desk.postbox.mails
    told = {(str(mail.message["X-Handoff-Id"]), mail.to) for mail in mails}
    return len(told) == HANDOFFS * RECIPIENTS


async def _some_leave(desk: Desk, number: int) -> None:
    """Waits until so many more mails were taken; not for long, for there may be none at present."""
    before = len(desk.postbox.mails)

    async def have_left() -> bool:
        return len(desk.postbox.mails) >= before + number

    with suppress(TimeoutError):
        await desk.until(have_left, within=1, every=0.001)


def _copies(mails: list[Mail], ends: list[int]) -> list[int]:
    """How many mails of each life came again later."""
    ids = [mail.message_id for mail in mails]
    return [
        sum(ids[place] in ids[place + 1 :] for place in range(first, last))
        for first, last in pairwise(ends)
    ]
