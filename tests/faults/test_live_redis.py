"""Redis dies, freezes and comes back while people work: every listener hears everything, once."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress

import pytest

from handoff import live
from tests.http.live.test_live_presence import online, until_online
from tests.http.live.test_live_socket import hear, talk
from tests.support import history
from tests.support.cast import AMIR, BO, CHEN, OLIVE, VERA
from tests.support.desk import Desk
from tests.support.servers import Servers

DEATHS = 20


@pytest.fixture
def redis(servers: Servers) -> Iterator[Servers]:
    """It runs again afterwards, whatever a test has done to it."""
    yield servers
    servers.valkey.thaw()
    if not servers.valkey.runs:
        servers.valkey.start()


async def work(desk: Desk, done: asyncio.Event, worker: int) -> int:
    """Escalates, claims and resolves until it is told to stop; how often."""
    rounds = 0
    while not done.is_set():
        handoff = await desk.escalate(title=f"{worker}.{rounds}")
        assert (await desk.claim(AMIR, handoff)).status_code == 200
        answer = await desk.command(AMIR, handoff, "resolve", {"outcome": "fixed"})
        assert answer.status_code == 200
        rounds += 1
    return rounds


async def follow_socket(desk: Desk, numbers: list[int]) -> None:
    async with talk(desk, OLIVE) as socket:
        while True:
            frame = await hear(socket, within=60)
            if "id" in frame:
                numbers.append(int(frame["id"]))


@pytest.mark.alone
@pytest.mark.timeout(180)
@pytest.mark.desk(stream_quiet="1s")
async def test_it_is_killed_twenty_times_under_load(desk: Desk, redis: Servers) -> None:
    desk.mail_matters = False
    done = asyncio.Event()
    by_socket: list[int] = []
    socket = asyncio.create_task(follow_socket(desk, by_socket))
    async with desk.listen(AMIR) as amir, desk.listen(CHEN) as chen, desk.listen(VERA) as vera:
        working = [asyncio.create_task(work(desk, done, number)) for number in range(2)]
        for death in range(DEATHS):
            heard = len(amir.numbers)
            redis.valkey.kill()
            if death % 2:
                # Something happens while it is away.
                await amir.hear_number((amir.numbers or [0])[-1] + 1, within=20)
            redis.valkey.start()

            async def more(heard: int = heard) -> bool:
                return len(amir.numbers) > heard

            await desk.until(more, within=20)
        done.set()
        rounds = sum(await asyncio.gather(*working))
        handoff = await desk.park(BO)
        last = await history.last_number(desk, handoff)
        for listener in (amir, chen, vera):
            await listener.hear_number(last, within=15)

        async def told() -> bool:
            return bool(by_socket) and by_socket[-1] >= last

        await desk.until(told)
        socket.cancel()
        everything = list(range(1, last + 1))
        for numbers in (amir.numbers, chen.numbers, vera.numbers, by_socket):
            assert numbers[:last] == everything
            assert len(set(numbers)) == len(numbers)
        assert rounds >= DEATHS
    with suppress(asyncio.CancelledError):
        await socket


@pytest.mark.desk(stream_quiet="500ms")
async def test_it_hangs_and_everything_goes_on(desk: Desk, redis: Servers) -> None:
    desk.mail_matters = False
    clock = asyncio.get_running_loop().time
    async with desk.listen(CHEN) as chen:
        redis.valkey.freeze()
        began = clock()
        handoff = await desk.escalate()
        assert (await desk.claim(AMIR, handoff)).status_code == 200
        assert clock() - began < 2
        await chen.hear("claimed", within=3)
        async with desk.listen(AMIR, "0") as amir:
            await amir.hear("claimed", within=3)
        assert await online(desk, BO) == []
        assert (await desk.command(BO, handoff, "viewing")).status_code == 204
        redis.valkey.thaw()
        last = await history.last_number(desk, handoff)
        await chen.hear_number(last)
        assert chen.numbers == list(range(1, last + 1))


@pytest.mark.desk(stream_quiet="60s")
async def test_what_happened_while_it_was_away_is_heard_when_it_is_back(
    desk: Desk, redis: Servers
) -> None:
    handoff = await desk.park(BO)
    async with desk.listen(AMIR) as amir:
        redis.valkey.kill()
        written = await history.write(desk, handoff, 3, ring=False)
        redis.valkey.start()
        # The quiet read is far away: the new subscription itself is the reason to look.
        await amir.hear_number(written[-1], within=5)
        assert amir.numbers == written
        written += await history.write(desk, handoff, 1)
        await amir.hear_number(written[-1], within=2)


@pytest.mark.desk(stream_quiet="60s")
async def test_a_connection_that_only_looks_open_is_given_up(
    desk: Desk, redis: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "PING_AFTER", 0.2)
    monkeypatch.setattr(live, "DEAF_AFTER", 0.6)
    assert desk.services is not None
    doorbell = desk.services.doorbell
    handoff = await desk.park(BO)
    async with desk.listen(AMIR) as amir:
        written = await history.write(desk, handoff, 1)
        await amir.hear_number(written[-1], within=5)

        async def deaf() -> bool:
            return not doorbell.subscribed

        # It answers its pings, so it is kept.
        with pytest.raises(TimeoutError):
            await desk.until(deaf, within=1.5)
        redis.valkey.freeze()
        await desk.until(deaf)
        written += await history.write(desk, handoff, 3, ring=False)
        redis.valkey.thaw()
        await amir.hear_number(written[-1], within=8)
        assert amir.numbers == written


async def test_without_it_nobody_is_shown_and_nothing_fails(desk: Desk, redis: Servers) -> None:
    handoff = await desk.park(BO)
    async with desk.listen(AMIR):
        await until_online(desk, BO, "Amir")
        await desk.command(AMIR, handoff, "viewing")
        redis.valkey.kill()
        assert await online(desk, BO) == []
        assert (await desk.command(AMIR, handoff, "viewing")).status_code == 204
        answer = await desk.http(BO).get(f"{handoff.path}/presence")
        assert (answer.status_code, answer.json()) == (200, [])
        redis.valkey.start()
        async with desk.listen(CHEN):
            await until_online(desk, BO, "Amir", "Chen")
