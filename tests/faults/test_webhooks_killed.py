"""Twenty workers die in the middle of posting: the receiver misses nothing, and nothing is out of
order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from tests.support.cast import BO, CHEN, OLIVE
from tests.support.desk import Desk, open_desk
from tests.support.mortal_workers import mortal_worker
from tests.support.receiver import Answer, Got, Receiver
from tests.support.servers import Servers

DEATHS = 20
EVENTS = 101


@pytest.fixture
async def desk(servers: Servers, database_url: str, temporal: Any) -> AsyncIterator[Desk]:
    """Its API carries the workflows; webhooks leave from a process that can be killed."""
    async with open_desk(
        database_url=database_url,
        redis_url=servers.redis_url,
        temporal=temporal,
        worker=False,
        workflow_slots=20,
        webhook_private="allow",
        webhook_retry_initial="100ms",
        webhook_takeover="500ms",
    ) as opened:
        opened.mail_matters = False
        yield opened


async def slowly(_: Got) -> Answer:
    await asyncio.sleep(0.02)
    return 204, {}


async def write_events(desk: Desk, number: int) -> None:
    """That so many are there, while nobody can post them."""
    handoff = await desk.park(BO)
    for _ in range((number - 1) // 2):
        assert (await desk.claim(CHEN, handoff)).status_code == 200
        assert (await desk.command(CHEN, handoff, "release", {"undo": True})).status_code == 200


def _more(receiver: Receiver, than: int) -> bool:
    return len(receiver.got) > than


@pytest.mark.alone
@pytest.mark.timeout(150)
@pytest.mark.expects_errors
async def test_twenty_deaths_skip_nothing_and_turn_nothing_around(desk: Desk) -> None:
    async with Receiver(answer=slowly) as receiver:
        made = await desk.http(OLIVE).post("/webhooks", json={"url": receiver.url})
        await write_events(desk, EVENTS)
        deaths_under_way = 0
        for _ in range(DEATHS):
            async with mortal_worker(desk.settings) as worker:
                had = len(receiver.got)
                with suppress(TimeoutError):
                    await receiver.until(partial(_more, receiver, had + 1), within=8)
                deaths_under_way += len(receiver.got) > had
                await worker.kill()
        assert deaths_under_way >= DEATHS - 2
        path = f"/webhooks/{made.json()['id']}"

        async def level() -> bool:
            return not (await desk.http(OLIVE).get(path)).json()["behind"]

        async with mortal_worker(desk.settings):
            await desk.until(level, within=30)
        steps = [after - before for before, after in pairwise(receiver.numbers)]
        assert (receiver.numbers[0], receiver.numbers[-1]) == (1, EVENTS)
        assert set(steps) <= {0, 1}, receiver.numbers
        # A death costs one copy, and so does a worker that was so slow that it was taken for dead.
        assert steps.count(0) <= 2 * DEATHS
        ids = {(got.number, got.id) for got in receiver.got}
        assert len(ids) == EVENTS
        assert all(got.is_signed_by(made.json()["secret"]) for got in receiver.got)
