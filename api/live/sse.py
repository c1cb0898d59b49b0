"""Server-sent events over ASGI: one response per stream, cut off when its reader is too slow."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.http.connections import first_of, way_to_cut
from api.live.feed import Encoded
from api.live.hub import Hub
from api.live.stream import Bye, Item, KeepAlive, Resync, Stream
from handoff.contract.people import Actor

logger = structlog.get_logger(__name__)

RECONNECT = 2000
"""Milliseconds after which a browser connects again."""

HEADERS = {
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",
}


class EventStream(Response):
    """Streams the account's events as `text/event-stream` until they end or the client is gone.

    Nothing is answered before the stream stands: whoever reads its first line misses nothing that
    happens from then on, and a stream that cannot be opened is answered with a problem.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        hub: Hub,
        reader: Actor,
        resume_from: str | None,
        *,
        until: datetime,
        beats: bool = False,
    ) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._hub = hub
        self._reader = reader
        self._resume_from = resume_from
        self._until = until
        self._beats = beats

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ends at the first of: the stream's end, the client's leave, a reader that is too slow."""
        cut = way_to_cut(scope)
        opened = Stream.opened(
            self._hub, self._reader, self._resume_from, until=self._until, cut=cut
        )
        async with opened as stream:
            start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
            await send(start)
            if not await first_of(self._send(stream, send), _left(receive)):
                logger.info("stream.cut", user_id=str(self._reader.id), number=stream.position)
                cut()
                # To return before the connection's end is noticed would look like a bug.
                with suppress(TimeoutError):
                    async with asyncio.timeout(1):
                        await _left(receive)

    async def _send(self, stream: Stream, send: Send) -> bool:
        """False when the reader was too slow."""
        # A reader that is slow holds up what is named here, so nothing is kept twice.
        body, ended = self._greeting(stream).encode(), False
        while True:
            try:
                async with asyncio.timeout(self._hub.manners.slow):
                    await send({"type": "http.response.body", "body": body, "more_body": not ended})
            except TimeoutError:
                return False
            if ended:
                return True
            body, ended = self._encoded(await stream.more())

    def _greeting(self, stream: Stream) -> str:
        greeting = f"retry: {RECONNECT}\n"
        if self._resume_from is None:
            # Sets the browser's Last-Event-ID without an event: it can resume before the first.
            greeting += f"id: {stream.position}\n"
        return greeting + "\n"

    def _encoded(self, items: Sequence[Item]) -> tuple[bytes, bool]:
        """The items' frames, and whether they are the last."""
        frames = "".join(frame(item, beats=self._beats) for item in items)
        return frames.encode(), isinstance(items[-1], Bye)


def frame(item: Item, *, beats: bool = False) -> str:
    """One item on the wire. JSON has no line breaks, so each frame has one data line."""
    match item:
        case Encoded():
            return f"id: {item.number}\nevent: {item.type}\ndata: {item.text}\n\n"
        case Resync():
            data = json.dumps({"number": item.number})
            return f"id: {item.number}\nevent: resync\ndata: {data}\n\n"
        case Bye():
            return f"event: bye\ndata: {json.dumps({'reason': item.reason})}\n\n"
        case KeepAlive() if beats:
            return f"event: beat\ndata: {json.dumps({'number': item.number})}\n\n"
        case KeepAlive():
            return ": keep-alive\n\n"


async def _left(receive: Receive) -> bool:
    while (await receive())["type"] != "http.disconnect":
        pass
    return True
