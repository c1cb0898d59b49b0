"""How a parcel travels: what of an answer counts, and what is known of one that was lost."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import pytest

from activities.webhooks.posting import Parcel, Posted, Poster
from handoff.rules.causes import Cause
from handoff.settings import load_settings
from tests.unit.test_checked_addresses import SETTINGS

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
async def poster() -> AsyncIterator[Poster]:
    opened = Poster(load_settings(**SETTINGS, webhook_private="allow", webhook_timeout="1s"))
    yield opened
    await opened.close()


@asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[int]:
    """A server's port."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def post(poster: Poster, port: int, *, scheme: str = "http") -> Posted:
    url = f"{scheme}://127.0.0.1:{port}/"
    return await poster.post(Parcel("msg_1", UUID(int=1), url, "{}", []))


async def test_a_late_head_counts_whose_body_is_slow(poster: Poster) -> None:
    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        await asyncio.sleep(0.7)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nslow")
        await writer.drain()
        await reader.read()

    async with serving(late) as port:
        posted = await post(poster, port)
    assert (posted.code, posted.cause) == (200, Cause.ACCEPTED)
    assert posted.took.total_seconds() < 1


async def test_a_reset_after_the_request_may_have_been_taken(poster: Poster) -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        writer.transport.abort()

    async with serving(reset) as port:
        assert (await post(poster, port)).cause is Cause.TIMEOUT


async def test_who_never_answers_the_greeting_has_taken_nothing(poster: Poster) -> None:
    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with serving(silent) as port:
        assert (await post(poster, port)).cause is Cause.TIMEOUT
        assert (await post(poster, port, scheme="https")).cause is Cause.CONNECT_TIMEOUT


async def test_where_nobody_listens_nothing_was_taken(poster: Poster) -> None:
    async def never(*_: object) -> None:
        raise AssertionError

    async with serving(never) as port:
        pass
    assert (await post(poster, port)).cause is Cause.CONNECTION
