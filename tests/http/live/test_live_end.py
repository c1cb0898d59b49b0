"""How streams end, and what is left of them: nothing."""

import asyncio
import gc
import json
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from api.live.feed import Ear, Feed
from api.live.stream import Stream
from tests.http.live.test_live_slow import until_streams
from tests.http.live.test_live_socket import hear, talk
from tests.support import history
from tests.support.cast import AMIR, BO, CHEN, HUGO
from tests.support.desk import Desk
from tests.support.listener import follow


async def test_a_server_that_stops_says_goodbye(desk: Desk) -> None:
    token = desk.token(AMIR)
    async with follow(desk.base_url, token) as amir, talk(desk, CHEN) as socket:
        started = asyncio.get_running_loop().time()
        stopping = asyncio.create_task(desk.stop_api())
        assert await hear(socket) == {"type": "bye", "data": {"reason": "drain"}}
        assert (await amir.hear("bye")).data == {"reason": "drain"}
        with pytest.raises(ConnectionClosed) as closed:
            await hear(socket)
        await stopping
        assert asyncio.get_running_loop().time() - started < 2
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1001


async def test_who_says_goodbye_has_said_everything_before(desk: Desk) -> None:
    handoff = await desk.park(BO)
    async with follow(desk.base_url, desk.token(AMIR)) as amir:
        written = await history.write(desk, handoff, 5)
        await amir.hear_number(written[-1])
        await desk.stop_api()
        await amir.hear("bye")
        assert amir.numbers == written
    await desk.start_api(temporal=desk.temporal)
    written += await history.write(desk, handoff, 5)
    async with desk.listen(AMIR, amir.position) as again:
        await again.hear_number(written[-1])
        assert amir.numbers + again.numbers == written


@pytest.mark.desk(workflow_slots=0)
async def test_nothing_is_left_of_streams_whose_clients_left(desk: Desk) -> None:
    assert desk.services is not None
    hub, doorbell = desk.services.hub, desk.services.doorbell
    before = len(asyncio.all_tasks())
    for _ in range(3):
        async with desk.listen(AMIR), desk.listen(HUGO), talk(desk, CHEN):
            await until_streams(desk, 3)
            assert len(hub.feeds) == 2

            async def subscribed() -> bool:
                return doorbell.subscribed == hub.accounts

            await desk.until(subscribed)

    async def nothing_left() -> bool:
        return not hub.feeds and not doorbell.subscribed

    await desk.until(nothing_left)

    async def no_tasks() -> bool:
        return len(asyncio.all_tasks()) <= before

    await desk.until(no_tasks)
    gc.collect()
    # By type and not by isinstance, which asks objects that answer for themselves.
    assert not [left for left in gc.get_objects() if type(left) in (Ear, Feed, Stream)]


async def test_whoever_comes_while_the_last_one_leaves_is_served(desk: Desk) -> None:
    handoff = await desk.park(BO)
    for _ in range(15):
        async with desk.listen(AMIR) as amir:
            (number,) = await history.write(desk, handoff, 1)
            await amir.hear_number(number)
        coming = [desk.listen(CHEN) for _ in range(3)]
        for listener in coming:
            await listener.__aenter__()
        (number,) = await history.write(desk, handoff, 1)
        for listener in coming:
            await listener.hear_number(number)
            await listener.__aexit__(None, None, None)


async def until_pool_rests(desk: Desk) -> None:
    """Waits for a moment in which nobody holds a database connection."""
    assert desk.services is not None
    pool: Any = desk.services.database._engine.pool

    async def rests() -> bool:
        return bool(pool.checkedout() == 0)

    await desk.until(rests)


@pytest.mark.desk(streams_per_user=0)
async def test_two_hundred_streams_hold_no_connection_and_miss_nothing(desk: Desk) -> None:
    assert desk.services is not None
    count = 200
    handoff = await desk.park(BO)
    headers = f"Authorization: Bearer {desk.token(AMIR)}\r\n"

    async def follow(stands: asyncio.Semaphore, last: asyncio.Future[int]) -> list[int]:
        host, port = desk.base_url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"GET /events HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n".encode())
        numbers: list[int] = []
        async for line in reader:
            if line.startswith(b"retry:"):
                stands.release()
            elif line.startswith(b"data: "):
                numbers.append(int(json.loads(line[6:])["id"]))
                if last.done() and numbers[-1] == last.result():
                    break
        writer.close()
        return numbers

    stands, last = asyncio.Semaphore(0), asyncio.get_running_loop().create_future()
    following = [asyncio.create_task(follow(stands, last)) for _ in range(count)]
    async with asyncio.timeout(50):
        for _ in range(count):
            await stands.acquire()
        # Ten times as many streams as the pool has connections.
        await until_pool_rests(desk)
        for _ in range(20):
            written = await history.write(desk, handoff, 5)
        last.set_result(written[-1] + 1)
        await history.write(desk, handoff, 1)
        heard = await asyncio.gather(*following)
    assert heard == [list(range(2, written[-1] + 2))] * count
    await until_streams(desk, 0)
