"""A webhook's receiver on a real port, as a foreign program would be one: it verifies with the
library of Standard Webhooks, notes what comes, and answers as a test says."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from standardwebhooks import Webhook, WebhookVerificationError

Answer = tuple[int, dict[str, str]]
REASON = "Whatever"


@dataclass(slots=True)
class Got:
    """One POST, as it came."""

    headers: dict[str, str]
    body: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def number(self) -> int:
        """Of the event."""
        return int(self.json["id"])

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def is_signed_by(self, secret: str) -> bool:
        try:
            Webhook(secret).verify(self.body, self.headers)
        except WebhookVerificationError:
            return False
        return True


@dataclass(slots=True)
class Receiver:
    """`answer` decides on each POST: a status with headers, or nothing at all (None)."""

    answer: Callable[[Got], Awaitable[Answer | None]] | None = None
    got: list[Got] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    _server: asyncio.Server | None = None
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)
    _serving: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def numbers(self) -> list[int]:
        """Of the events, tests apart, in the order in which they came."""
        return [got.number for got in self.got if got.number]

    async def until(self, holds: Callable[[], bool], *, within: float = 15.0) -> None:
        """Waits for what comes."""
        async with asyncio.timeout(within), self._news:
            await self._news.wait_for(holds)

    async def until_got(self, number: int, *, within: float = 15.0) -> Got:
        """The POST of this event."""
        await self.until(lambda: number in self.numbers, within=within)
        return next(got for got in self.got if got.number == number)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while (got := await _read(reader)) is not None:
                answer: Answer | None = await self.answer(got) if self.answer else (204, {})
                # Noted when it is answered: what came while somebody died came all the same.
                async with self._news:
                    self.got.append(got)
                    self._news.notify_all()
                if answer is None:
                    await asyncio.Event().wait()
                    return
                status, headers = answer
                lines = [f"HTTP/1.1 {status} {REASON}", "content-length: 0"]
                lines += [f"{name}: {value}" for name, value in headers.items()]
                writer.write("\r\n".join([*lines, "", ""]).encode())
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Got | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    lines = head.split("\r\n")[1:-2]
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    body = await reader.readexactly(int(headers["content-length"]))
    return Got(headers, body.decode())
