"""The API's process is killed under its listeners: they come back and have missed nothing."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import pytest

from tests.support import history
from tests.support.cast import AMIR, BO, CHEN, Member
from tests.support.desk import Desk
from tests.support.listener import follow

PASSED_ON = (
    "database_url",
    "redis_url",
    "smtp_url",
    "auth_secret",
    "payload_keys",
)


@asynccontextmanager
async def api(desk: Desk, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """Another process of the same API, ready to serve."""
    environment = {
        f"HANDOFF_{name.upper()}": getattr(desk.settings, name).get_secret_value()
        for name in PASSED_ON
        if getattr(desk.settings, name) is not None
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "api", "--port", str(port), env={**os.environ, **environment}
    )
    try:
        await is_up(desk, port)
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


async def is_up(desk: Desk, port: int) -> None:
    async def answers() -> bool:
        try:
            async with httpx.AsyncClient(trust_env=False) as http:
                answer = await http.get(f"http://127.0.0.1:{port}/livez")
        except httpx.TransportError:
            return False
        return answer.is_success

    await desk.until(answers, within=40)


async def persist(desk: Desk, who: Member, base_url: str, numbers: list[int], last: int) -> int:
    """Follows as a careful client does, over any number of connections; how many there were."""
    connections = 0
    position = "1"
    while not numbers or numbers[-1] < last:
        with suppress(httpx.HTTPError):
            async with follow(base_url, desk.token(who), position) as listener:
                connections += 1
                await first(listener.hear_number(last, within=60), listener.ended.wait())
                numbers += listener.numbers
                position = str(numbers[-1]) if numbers else position
        await asyncio.sleep(0.05)
    return connections


async def first(*ways: Coroutine[Any, Any, Any]) -> None:
    tasks = [asyncio.create_task(way) for way in ways]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.alone
@pytest.mark.timeout(180)
async def test_it_is_killed_again_and_again(desk: Desk) -> None:
    port = free_port()
    base_url = f"http://127.0.0.1:{port}"
    handoff = await desk.park(BO)
    heard: dict[Member, list[int]] = {AMIR: [], CHEN: []}
    deaths, each = 4, 30
    last = 1 + (deaths + 1) * each
    following = [
        asyncio.create_task(persist(desk, who, base_url, numbers, last))
        for who, numbers in heard.items()
    ]
    for _ in range(deaths):
        async with api(desk, port) as process:
            for _ in range(each // 2):
                await history.write(desk, handoff, 1)
            process.kill()
            await process.wait()
        await history.write(desk, handoff, each // 2)
    async with api(desk, port):
        await history.write(desk, handoff, each)
        async with asyncio.timeout(60):
            connections = await asyncio.gather(*following)
    assert min(connections) >= 2
    for numbers in heard.values():
        assert numbers == list(range(2, last + 1))


@pytest.mark.timeout(120)
async def test_sigterm_ends_it_at_once_and_politely(desk: Desk) -> None:
    port = free_port()
    async with (
        api(desk, port) as process,
        follow(f"http://127.0.0.1:{port}", desk.token(AMIR)) as amir,
    ):
        began = asyncio.get_running_loop().time()
        process.send_signal(signal.SIGTERM)
        assert (await amir.hear("bye")).data == {"reason": "drain"}
        await amir.hear_end()
        code = await asyncio.wait_for(process.wait(), 20)
        assert asyncio.get_running_loop().time() - began < 4
    assert code in (0, -signal.SIGTERM, 143)
