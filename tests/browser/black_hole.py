"""A way to the server that can stop to bring anything, and tell nobody: as networks do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class BlackHole:
    """Passes bytes on in both directions, until it `swallows` them."""

    def __init__(self, to_port: int) -> None:
        self.port = 0
        self.swallows = False
        self._to_port = to_port
        self._writers: set[asyncio.StreamWriter] = set()

    def hang_up(self) -> None:
        """Ends every connection: what was swallowed is gone."""
        for writer in self._writers:
            writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        answers, asks = await asyncio.open_connection("127.0.0.1", self._to_port)
        self._writers |= {writer, asks}
        await asyncio.gather(self._copy(reader, asks), self._copy(answers, writer))
        self._writers -= {writer, asks}

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(65536):
                if not self.swallows:
                    writer.write(chunk)
                    await writer.drain()
        writer.close()


@asynccontextmanager
async def black_hole(to_port: int) -> AsyncIterator[BlackHole]:
    hole = BlackHole(to_port)
    server = await asyncio.start_server(hole.serve, "127.0.0.1", 0)
    hole.port = server.sockets[0].getsockname()[1]
    yield hole
    hole.hang_up()
    server.close()
