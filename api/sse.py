"""Server-sent events over ASGI: one response per stream, cut off when its reader is too slow."""

import asyncio
import json
from collections.abc import AsyncIterator

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.hub import Rung
from api.stream import Bye, Item, Resync

RECONNECT = 2000
"""Milliseconds after which a browser connects again."""

SLOW_AFTER = 30.0
"""Seconds that a reader may leave its socket full before it is cut off."""

HEADERS = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
}


class EventStream(Response):
    """Streams items as `text/event-stream` until they end or the client is gone."""

    media_type = "text/event-stream"

    def __init__(self, items: AsyncIterator[Item]) -> None:
        super().__init__(headers=HEADERS)
        self._items = items
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ends at the first of: the items' end, the client's leave, a reader that is too slow."""
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        sending = asyncio.create_task(self._send(send))
        leaving = asyncio.create_task(_disconnected(receive))
        try:
            await asyncio.wait([sending, leaving], return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            sending.cancel()
            await asyncio.wait([sending, leaving])
        if not sending.cancelled() and (fault := sending.exception()) is not None:
            raise fault

    async def _send(self, send: Send) -> None:
        await _write(send, f"retry: {RECONNECT}\n\n")
        try:
            async for item in self._items:
                await _write(send, frame(item))
        except TimeoutError:
            # Without a proper end the client knows that something is missing.
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def frame(item: Item) -> str:
    """One item on the wire. JSON has no line breaks, so each frame has one data line."""
    match item:
        case Rung():
            return f"id: {item.number}\nevent: {item.type}\ndata: {item.text}\n\n"
        case Resync():
            data = json.dumps({"number": item.number})
            return f"id: {item.number}\nevent: resync\ndata: {data}\n\n"
        case Bye():
            return f"event: bye\ndata: {json.dumps({'reason': item.reason})}\n\n"
        case _:
            return ": keep-alive\n\n"


async def _write(send: Send, text: str) -> None:
    async with asyncio.timeout(SLOW_AFTER):
        await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
