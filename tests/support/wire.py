"""Requests as bytes: what no well-behaved HTTP client can be made to send."""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.support.cast import BO, Member
from tests.support.desk import Desk


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, until the server closed or the answer was whole."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        """The RFC 9457 problem that it must be."""
        assert self.headers["content-type"] == "application/problem+json", self
        found: dict[str, Any] = json.loads(self.body)
        assert found["status"] == self.status
        assert found.keys() >= {"type", "title", "detail"}
        return found


class Wire:
    """One connection to the desk's API."""

    def __init__(self, desk: Desk, within: float = 15.0) -> None:
        self._port = int(desk.base_url.rpartition(":")[2])
        self._within = within

    async def __aenter__(self) -> "Wire":
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()

    async def send(self, *pieces: bytes) -> None:
        """Writes; a server that has hung up already is no fault of the test's."""
        try:
            for piece in pieces:
                self.writer.write(piece)
                await self.writer.drain()
        except ConnectionError:
            return

    async def answer(self) -> Answer:
        """The next answer."""
        async with asyncio.timeout(self._within):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            body = await self.reader.readexactly(int(headers.get("content-length", 0)))
            return Answer(int(head[0].split(" ")[1]), headers, body)

    async def closed(self) -> bool:
        """Waits until the server has closed the connection."""
        async with asyncio.timeout(self._within):
            try:
                return await self.reader.read(1) == b""
            except ConnectionError:
                return True


def head(
    desk: Desk, line: str, *headers: str, by: Member | None = BO, more: Iterable[str] = ()
) -> bytes:
    """A request's head, with the bearer token of `by`."""
    lines = [f"{line} HTTP/1.1", "Host: desk.test", *headers, *more]
    if by is not None:
        lines.append(f"Authorization: Bearer {desk.token(by)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def posting(desk: Desk, path: str, body: bytes, *headers: str, by: Member | None = BO) -> bytes:
    """A whole POST of JSON."""
    kind, length = "Content-Type: application/json", f"Content-Length: {len(body)}"
    return head(desk, f"POST {path}", kind, length, *headers, by=by) + body


async def ask(desk: Desk, request: bytes) -> Answer:
    """One request on a connection of its own."""
    async with Wire(desk) as wire:
        await wire.send(request)
        return await wire.answer()
