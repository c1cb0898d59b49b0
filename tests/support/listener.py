"""One open SSE stream, as a client sees it."""

import asyncio
import json
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
    """Reads `GET /events` until it is closed; `hear` waits for an event of a kind."""

    http: httpx.AsyncClient
    last_event_id: str | None = None
    frames: list[Frame] = field(default_factory=list)
    keep_alives: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)
    _reader: asyncio.Task[None] | None = None
    _open: asyncio.Event = field(default_factory=asyncio.Event)
    _taken: int = 0

    async def __aenter__(self) -> Self:
        self._reader = asyncio.create_task(self._read())
        async with asyncio.timeout(10):
            await self._open.wait()
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

    @property
    def numbers(self) -> list[int]:
        """The numbers of the events heard so far."""
        return [int(frame.id) for frame in self.frames if frame.id is not None]

    async def _read(self) -> None:
        headers = {"Last-Event-ID": self.last_event_id} if self.last_event_id else {}
        try:
            async with self.http.stream("GET", "/events", headers=headers, timeout=None) as stream:
                stream.raise_for_status()
                await self._parse(stream)
        except httpx.HTTPError:
            pass
        finally:
            self.ended.set()

    async def _parse(self, stream: httpx.Response) -> None:
        frame = Frame()
        async for line in stream.aiter_lines():
            # The first line comes once the stream follows.
            self._open.set()
            name, _, value = line.partition(": ")
            if line.startswith(":"):
                self.keep_alives += 1
            elif name == "id":
                frame.id = value
            elif name == "event":
                frame.event = value
            elif name == "data":
                frame.data = json.loads(value)
            elif not line and frame.data is not None:
                async with self._news:
                    self.frames.append(frame)
                    self._news.notify_all()
                frame = Frame()
