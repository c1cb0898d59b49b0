"""One open SSE stream, as a client sees it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx


@dataclass(slots=True)
class Frame:
    """One event of the stream."""

    id: str | None = None
    event: str = "message"
    data: Any = None


@dataclass(slots=True)
class Listener:
    """Reads `GET /events` until it is closed; `hear` waits for an event of a kind.

    Once it is entered the stream stands: what happens from then on must be heard.
    """

    http: httpx.AsyncClient
    last_event_id: str | None = None
    frames: list[Frame] = field(default_factory=list)
    keep_alives: int = 0
    retry: str | None = None
    position: str | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)
    _reader: asyncio.Task[None] | None = None
    _open: asyncio.Event = field(default_factory=asyncio.Event)
    _taken: int = 0

    async def __aenter__(self) -> Self:
        self._reader = asyncio.create_task(self._read())
        async with asyncio.timeout(10):
            await self._open.wait()
        if self._reader.done():
            self._reader.result()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._reader is not None
        self._reader.cancel()
        await asyncio.wait([self._reader])

    async def hear(self, event: str, *, within: float = 10.0) -> Frame:
        """The next event of this kind; those before it are passed over."""
        try:
            async with asyncio.timeout(within), self._news:
                while True:
                    while self._taken < len(self.frames):
                        self._taken += 1
                        if self.frames[self._taken - 1].event == event:
                            return self.frames[self._taken - 1]
                    await self._news.wait()
        except TimeoutError:
            heard = [frame.event for frame in self.frames]
            raise AssertionError(f"no {event!r} within {within} s; heard {heard}") from None

    async def hear_number(self, number: int, *, within: float = 10.0) -> None:
        """Waits until this event has been heard, or a later one."""
        try:
            async with asyncio.timeout(within), self._news:
                await self._news.wait_for(lambda: bool(self.numbers) and self.numbers[-1] >= number)
        except TimeoutError:
            raise AssertionError(f"no {number} within {within} s; {self.numbers[-5:]}") from None

    async def hear_keep_alive(self, *, within: float = 10.0) -> None:
        """Waits for the next sign of life."""
        before = self.keep_alives
        async with asyncio.timeout(within), self._news:
            await self._news.wait_for(lambda: self.keep_alives > before)

    async def hear_end(self, *, within: float = 10.0) -> None:
        """Waits for the stream's end."""
        async with asyncio.timeout(within):
            await self.ended.wait()

    @property
    def numbers(self) -> list[int]:
        """The numbers of the events heard so far."""
        return [int(frame.id) for frame in self.frames if frame.id is not None]

    async def _read(self) -> None:
        headers = httpx.Headers(encoding="latin-1")
        if self.last_event_id is not None:
            headers["Last-Event-ID"] = self.last_event_id
        try:
            async with self.http.stream("GET", "/events", headers=headers, timeout=None) as stream:
                stream.raise_for_status()
                await self._parse(stream)
        except httpx.TransportError:
            pass
        finally:
            self.ended.set()
            self._open.set()

    async def _parse(self, stream: httpx.Response) -> None:
        frame = Frame()
        async for line in stream.aiter_lines():
            # The first line comes once the stream stands.
            self._open.set()
            name, _, value = line.partition(": ")
            if line.startswith(":"):
                await self._note_keep_alive()
            elif name == "retry":
                self.retry = value
            elif name == "id":
                self.position = frame.id = value
            elif name == "event":
                frame.event = value
            elif name == "data":
                frame.data = json.loads(value)
            elif not line:
                frame = await self._take(frame)

    async def _note_keep_alive(self) -> None:
        async with self._news:
            self.keep_alives += 1
            self._news.notify_all()

    async def _take(self, frame: Frame) -> Frame:
        if frame.data is not None:
            async with self._news:
                self.frames.append(frame)
                self._news.notify_all()
        return Frame()


@asynccontextmanager
async def follow(
    base_url: str, token: str, last_event_id: str | None = None
) -> AsyncIterator[Listener]:
    """A stream on a connection of its own, which nobody closes but the server or the test."""
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx.AsyncClient(base_url=base_url, headers=headers, trust_env=False) as http,
        Listener(http, last_event_id) as listener,
    ):
        yield listener
