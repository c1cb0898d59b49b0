"""Whoever stops waiting for a connection to PostgreSQL leaves no error behind, whenever it was."""

import asyncio
import contextlib
import gc
import logging
from collections.abc import AsyncIterator

import pytest

from handoff.database.gate import Database
from handoff.settings import load_settings
from tests.support.desk import PAYLOAD_KEYS, SECRET


@pytest.fixture
async def silent_server() -> AsyncIterator[str]:
    """It takes every connection, and never says a word."""

    async def take(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken.append(writer)

    taken: list[asyncio.StreamWriter] = []
    async with await asyncio.start_server(take, "127.0.0.1", 0) as server:
        yield "postgresql://{}:{}/x".format(*server.sockets[0].getsockname())
        for writer in taken:
            writer.close()


@pytest.mark.parametrize("steps", range(12))
async def test_a_wait_can_end_at_any_moment(
    silent_server: str, steps: int, caplog: pytest.LogCaptureFixture
) -> None:
    database = Database.connect(
        load_settings(
            database_url=silent_server,
            redis_url="redis://127.0.0.1:1",
            smtp_url="smtp://127.0.0.1:1",
            auth_secret=SECRET,
            payload_keys=PAYLOAD_KEYS,
        )
    )
    waiting = asyncio.create_task(database.ping())
    for _ in range(steps):
        await asyncio.sleep(0)
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await waiting
    await database.close()
    await asyncio.sleep(0)
    gc.collect()
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
