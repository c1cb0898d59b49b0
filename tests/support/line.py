"""A line to PostgreSQL that breaks when a word goes by: before it arrives, or before its answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit, urlunsplit


class Line:
    """Passes everything on, until it is told to break."""

    def __init__(self) -> None:
        self.url = ""
        self.broken = 0
        self._word: bytes | None = None
        self._lost: bytes | None = None
        self._arrives = False
        self._is_down = False
        self._open: set[asyncio.StreamWriter] = set()

    def break_at(self, word: bytes, *, arrives: bool) -> None:
        """Once, when a client says this; whether the server still hears it."""
        self._word, self._arrives = word, arrives

    def lose(self, word: bytes) -> None:
        """From now on the server hears nothing of this statement, and answers all the same."""
        self._lost = word

    def go_down(self) -> None:
        """Nobody comes through any more."""
        self._is_down = True
        for writer in self._open:
            writer.transport.abort()

    def come_back(self) -> None:
        self._is_down = False

    async def _connected(
        self, host: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self._is_down:
            writer.transport.abort()
            return
        there, onward = await asyncio.open_connection(host, port)
        self._open |= {writer, onward}
        try:
            await asyncio.wait(
                [
                    asyncio.create_task(self._say(reader, onward, writer)),
                    asyncio.create_task(self._answer(there, writer)),
                ],
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            self._open -= {writer, onward}
            for one in (writer, onward):
                one.close()

    async def _say(
        self,
        reader: asyncio.StreamReader,
        onward: asyncio.StreamWriter,
        back: asyncio.StreamWriter,
    ) -> None:
        with suppress(OSError):
            while said := await reader.read(65536):
                if self._word is not None and self._word in said:
                    self._word = None
                    self.broken += 1
                    back.transport.abort()
                    if self._arrives:
                        onward.write(said)
                        await onward.drain()
                    return
                if self._lost is not None:
                    said = said.replace(self._lost, b"SELECT 1".ljust(len(self._lost)))
                onward.write(said)
                await onward.drain()

    async def _answer(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while said := await there.read(65536):
                writer.write(said)
                await writer.drain()


@asynccontextmanager
async def line_to(url: str) -> AsyncIterator[Line]:
    """A line to the server of this address; its own address is `url`."""
    parts = urlsplit(url)
    line = Line()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await line._connected(parts.hostname or "", parts.port or 5432, reader, writer)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    credentials = parts.netloc.rpartition("@")[0]
    line.url = urlunsplit(parts._replace(netloc=f"{credentials}@127.0.0.1:{port}"))
    try:
        yield line
    finally:
        line.go_down()
        server.close()
