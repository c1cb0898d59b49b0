"""A client that holds its socket in its own hands: for readers that do not read."""

import asyncio
import base64
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": base64.b64encode(b"0123456789abcdef").decode(),
}


@asynccontextmanager
async def requested(
    base_url: str, path: str, headers: dict[str, str], *, window: int = 4096
) -> AsyncIterator[socket.socket]:
    """A socket on which `GET path` has been sent, whose kernel takes few bytes unread."""
    loop = asyncio.get_running_loop()
    at = urlsplit(base_url)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        client.setblocking(False)
        await loop.sock_connect(client, (at.hostname, at.port))
        lines = [f"GET {path} HTTP/1.1", f"Host: {at.netloc}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        await loop.sock_sendall(client, "\r\n".join([*lines, "", ""]).encode())
        yield client


async def read_some(client: socket.socket, *, within: float = 5.0) -> bytes:
    """What there is, at least one byte; nothing when the other side has ended it."""
    async with asyncio.timeout(within):
        try:
            return await asyncio.get_running_loop().sock_recv(client, 65536)
        except ConnectionResetError:
            return b""


async def read_to_end(client: socket.socket, *, within: float = 10.0) -> int:
    """How many bytes still come before the other side's end."""
    total = 0
    async with asyncio.timeout(within):
        while chunk := await read_some(client, within=within):
            total += len(chunk)
    return total


def masked(opcode: int, payload: bytes) -> bytes:
    """A WebSocket client's frame."""
    mask = b"\x01\x02\x03\x04"
    if len(payload) < 126:
        length = bytes([0x80 | len(payload)])
    elif len(payload) < 65536:
        length = bytes([0x80 | 126]) + len(payload).to_bytes(2, "big")
    else:
        length = bytes([0x80 | 127]) + len(payload).to_bytes(8, "big")
    body = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
    return bytes([0x80 | opcode]) + length + mask + body
