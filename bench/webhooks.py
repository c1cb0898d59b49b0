"""The same event on a colleague's screen and at a program's webhook, timed from the same POST."""

import asyncio
import time

from bench.desk import Desk, must
from bench.report import Line, Times, at_most
from bench.wire import events

ROUNDS = 60
TARGET = 1.2


class Endpoint(asyncio.Protocol):
    """A receiver, as lean as can be: it notes when the event came, and takes everything."""

    def __init__(self, came: asyncio.Queue[float]) -> None:
        self._came = came
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if b'"type":"handoff.created"' in data:
            self._came.put_nowait(time.perf_counter())
        if data.rstrip().endswith(b"}") and self._transport is not None:
            self._transport.write(b"HTTP/1.1 204 Taken\r\ncontent-length: 0\r\n\r\n")


async def measure(desk: Desk) -> list[Line]:
    """From the POST's first byte to the frame, and to the webhook."""
    escalator, colleague, admin = await desk.team(3)
    await desk.database.execute("UPDATE users SET role = 'admin' WHERE id = $1", admin.id)
    heard: asyncio.Queue[float] = asyncio.Queue()
    came: asyncio.Queue[float] = asyncio.Queue()
    stands = asyncio.Event()

    async def listen() -> None:
        async for kind, _ in events(desk.url, colleague.token):
            stands.set()
            if kind == "created":
                heard.put_nowait(time.perf_counter())

    server = await asyncio.get_running_loop().create_server(lambda: Endpoint(came), "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    must(await desk.wire.call("POST", "/webhooks", admin.token, {"url": url}), 201)
    listening = asyncio.create_task(listen())
    await stands.wait()
    await asyncio.sleep(1)
    frames, posts = [], []
    for holder, session_id in await desk.sessions([escalator] * ROUNDS):
        began = time.perf_counter()
        await desk.hand_off(holder, session_id)
        frames.append(await asyncio.wait_for(heard.get(), 10) - began)
        posts.append(await asyncio.wait_for(came.get(), 10) - began)
        await asyncio.sleep(0.2)
    listening.cancel()
    server.close()
    seen, told = Times(frames), Times(posts)
    what = "POST → a webhook's receiver (bare: → live frame)"
    return [at_most(what, told, seen, told.p50 / seen.p50, TARGET)]
