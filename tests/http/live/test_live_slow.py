"""Readers that do not read are cut off, and cost little until then."""

import asyncio
import tracemalloc
from contextlib import AsyncExitStack, suppress

import pytest

from tests.support import history, raw
from tests.support.cast import AMIR, BO, CHEN
from tests.support.desk import Desk

LARGE = 40_000
"""Characters: about what the largest notes and context come to."""

COUNT = 200
"""Times `LARGE` these are more than any kernel keeps for a socket."""


def bearer(desk: Desk) -> dict[str, str]:
    return {"Authorization": f"Bearer {desk.token(AMIR)}"}


async def flooded(desk: Desk) -> list[int]:
    """An account with 8 MB of events."""
    handoff = await desk.park(BO)
    return await history.write(desk, handoff, COUNT, size=LARGE, ring=False)


async def until_streams(desk: Desk, count: int) -> None:
    """Waits until so many are open."""

    async def so_many() -> bool:
        assert desk.services is not None
        return sum(len(feed.ears) for feed in desk.services.hub.feeds) == count

    await desk.until(so_many)


@pytest.mark.desk(stream_slow="500ms")
@pytest.mark.parametrize("wire", ["sse", "websocket"])
async def test_a_reader_that_does_not_read_is_cut_off(desk: Desk, wire: str) -> None:
    written = await flooded(desk)
    path, headers = "/events", {"Last-Event-ID": "0", **bearer(desk)}
    if wire == "websocket":
        path, headers = "/events/ws", {**headers, **raw.UPGRADE}
    async with (
        raw.requested(desk.base_url, path, headers) as lazy,
        desk.listen(CHEN, "0") as chen,
    ):
        await chen.hear_number(written[-1], within=30)
        assert chen.numbers == list(range(1, written[-1] + 1))
        await until_streams(desk, 1)
        # The connection has ended, although most of it was never sent.
        assert await raw.read_to_end(lazy) < COUNT * LARGE / 2
        assert not chen.ended.is_set()
    await until_streams(desk, 0)


@pytest.mark.desk(stream_slow="2s")
async def test_many_readers_that_do_not_read_take_little_memory(desk: Desk) -> None:
    await flooded(desk)
    # The worker shares this process, and its memory would be counted, too.
    await desk.stop_worker()
    lazy = 20
    headers = {"Last-Event-ID": "0", **bearer(desk)}
    async with AsyncExitStack() as stack:
        tracemalloc.start()
        try:
            clients = [
                await stack.enter_async_context(raw.requested(desk.base_url, "/events", headers))
                for _ in range(lazy)
            ]
            for client in clients:
                assert b"200 OK" in await raw.read_some(client, within=20)
            await until_streams(desk, 0)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    # What a stream may hold: a page that it reads, a batch of it, and the socket's buffer.
    assert peak / lazy < 1_500_000


@pytest.mark.desk(stream_slow="500ms")
async def test_a_reader_that_is_merely_slow_gets_everything(desk: Desk) -> None:
    handoff = await desk.park(BO)
    written = await history.write(desk, handoff, 60, size=LARGE, ring=False)
    headers = {"Last-Event-ID": "0", **bearer(desk)}
    text = b""
    async with raw.requested(desk.base_url, "/events", headers) as slow:
        while f"id: {written[-1]}\n".encode() not in text[-2 * LARGE :]:
            text += await raw.read_some(slow)
            await asyncio.sleep(0.002)
    assert text.count(b"\nevent: reminded\n") == 60


@pytest.mark.desk(stream_slow="30s")
async def test_a_stop_does_not_wait_for_a_reader_that_does_not_read(desk: Desk) -> None:
    await flooded(desk)
    headers = {"Last-Event-ID": "0", **bearer(desk)}
    async with (
        raw.requested(desk.base_url, "/events", headers) as one,
        raw.requested(desk.base_url, "/events/ws", headers | raw.UPGRADE) as other,
    ):
        for client in (one, other):
            assert await raw.read_some(client)
        await until_streams(desk, 2)
        started = asyncio.get_running_loop().time()
        await desk.stop_api()
        assert asyncio.get_running_loop().time() - started < 4


async def test_a_client_that_pings_and_never_reads_is_cut_off(desk: Desk) -> None:
    loop = asyncio.get_running_loop()
    ping = raw.masked(0x9, b"p" * 125) * 500
    headers = bearer(desk) | raw.UPGRADE
    async with raw.requested(desk.base_url, "/events/ws", headers) as client:
        assert b"101" in await raw.read_some(client)
        async with asyncio.timeout(20):
            with suppress(ConnectionResetError, BrokenPipeError):
                while True:
                    await loop.sock_sendall(client, ping)
