"""The leanest HTTP/1.1 client that will do: on two cores, the load must not be its own subject.

One request at a time on a connection, and as many connections as there are requests at once.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

IDLE_AT_MOST = 5.0
"""Seconds. A server gives an idle connection up, and an answer must not be mistaken for that."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, read whole."""

    status: int
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    used: float


class Wire:
    """Kept-alive connections to one server, the last one used is the next one taken."""

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)
        self._free: list[_Connection] = []

    def close(self) -> None:
        while self._free:
            self._free.pop().writer.close()

    async def call(self, method: str, path: str, token: str = "", body: Any = None) -> Answer:
        return await self.raw(
            method, path, token, b"" if body is None else json.dumps(body).encode()
        )

    async def raw(
        self, method: str, path: str, token: str, content: bytes, **headers: str
    ) -> Answer:
        """A body as it is, well formed or not."""
        connection = await self._take()
        connection.writer.write(self._head(method, path, token, len(content), headers))
        connection.writer.write(content)
        await connection.writer.drain()
        answer = await _read(connection.reader)
        connection.used = time.monotonic()
        self._free.append(connection)
        return answer

    async def _take(self) -> _Connection:
        while self._free:
            connection = self._free.pop()
            if time.monotonic() - connection.used < IDLE_AT_MOST:
                return connection
            connection.writer.close()
        opened = await asyncio.open_connection(self._url.hostname, self._url.port)
        return _Connection(*opened, time.monotonic())

    def _head(
        self, method: str, path: str, token: str, length: int, headers: dict[str, str]
    ) -> bytes:
        bearer = f"authorization: Bearer {token}\r\n" if token else ""
        more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return (
            f"{method} {path} HTTP/1.1\r\nhost: {self._url.netloc}\r\n{bearer}"
            f"content-type: application/json\r\ncontent-length: {length}\r\n{more}\r\n"
        ).encode()


async def _read(reader: asyncio.StreamReader) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    status = int(head.split(" ", 2)[1])
    length = 0
    for line in head.split("\r\n"):
        name, _, value = line.partition(":")
        if name == "content-length":
            length = int(value)
    return Answer(status, await reader.readexactly(length))


async def events(url: str, token: str) -> AsyncIterator[tuple[str, bytes]]:
    """The live stream's frames, as (event, data); first one named `open` once it stands."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(
            f"GET /events HTTP/1.1\r\nhost: {parts.netloc}\r\n"
            f"authorization: Bearer {token}\r\naccept: text/event-stream\r\n\r\n".encode()
        )
        await reader.readuntil(b"\r\n\r\n")
        kind, data = "", b""
        yield "open", b""
        while line := await reader.readline():
            if line.startswith(b"event: "):
                kind = line[7:].strip().decode()
            elif line.startswith(b"data: "):
                data = line[6:].strip()
            elif line in (b"\n", b"\r\n") and kind:
                yield kind, data
                kind = ""
    finally:
        writer.close()
