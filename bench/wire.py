"""The leanest HTTP/1.1 client that will do: on two cores, the load must not be its own subject.

One request at a time on a connection; a pool of connections for many at once. Loopback only.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, read whole."""

    status: int
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Wire:
    """A fixed number of kept-alive connections to one server."""

    def __init__(self, url: str, connections: Sequence[Connection]) -> None:
        self._url = urlsplit(url)
        self._free: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()
        for connection in connections:
            self._free.put_nowait(connection)

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, connections: int) -> AsyncIterator["Wire"]:
        """Connects all of them, so that no measurement holds a handshake."""
        parts = urlsplit(url)
        made = [
            await asyncio.open_connection(parts.hostname, parts.port) for _ in range(connections)
        ]
        try:
            yield cls(url, made)
        finally:
            for _, writer in made:
                writer.close()

    async def call(self, method: str, path: str, token: str = "", body: Any = None) -> Answer:
        content = b"" if body is None else json.dumps(body).encode()
        connection = await self._free.get()
        if connection[0].at_eof():
            # Idle for too long, says the server.
            connection = await asyncio.open_connection(self._url.hostname, self._url.port)
        try:
            connection[1].write(self._head(method, path, token, len(content)) + content)
            return await _read(connection[0])
        finally:
            self._free.put_nowait(connection)

    def _head(self, method: str, path: str, token: str, length: int) -> bytes:
        bearer = f"authorization: Bearer {token}\r\n" if token else ""
        return (
            f"{method} {path} HTTP/1.1\r\nhost: {self._url.netloc}\r\n{bearer}"
            f"content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
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
