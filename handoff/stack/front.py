"""`python -m handoff.stack.front`: what stands in front of Temporal's web UI on this machine.

That UI answers whatever name it is called by. A web page whose name leads here would be its origin
to a browser, and could terminate workflows: only requests that name this machine get through.
"""

import argparse
import asyncio
import contextlib

from handoff.leaving import leave_after

NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
HEAD_BYTES = 64 * 1024
HEAD_WITHIN = 20.0
CHUNK = 64 * 1024

_HOP = (b"connection:", b"keep-alive:", b"proxy-connection:", b"upgrade:")


class Refused(Exception):
    """The request goes no further. Its message is the answer."""

    def __init__(self, status: str, why: str) -> None:
        super().__init__(why)
        self.status = status


def checked(head: bytes) -> bytes:
    """The head of a request that may pass: the last one on its connection.

    Raises:
        Refused: it names another host than this machine, more than one, or none.
    """
    line, *headers = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    hosts = [one.partition(b":")[2].strip() for one in headers if one.lower().startswith(b"host:")]
    target = line.split(b" ")[1:2]
    if len(hosts) != 1 or not target or not target[0].startswith(b"/"):
        raise Refused("400 Bad Request", "This is no request to a web page.")
    if _name(hosts[0].decode("latin-1")) not in NAMES:
        raise Refused("403 Forbidden", "Open it by the address that `handoff up` has printed.")
    # One request a connection: whatever follows would pass unchecked.
    kept = [one for one in headers if not one.lower().startswith(_HOP)]
    return b"\r\n".join([line, *kept, b"Connection: close", b"", b""])


def _name(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()


async def _serve(port: int, address: tuple[str, int]) -> None:
    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
            try:
                await _pass_on(reader, writer, address)
            except Refused as refused:
                await _answer(writer, refused)
        writer.close()

    server = await asyncio.start_server(one, "127.0.0.1", port, limit=HEAD_BYTES)
    async with server:
        await server.serve_forever()


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: tuple[str, int]
) -> None:
    try:
        async with asyncio.timeout(HEAD_WITHIN):
            head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise Refused("431 Request Header Fields Too Large", "The headers are too large.") from None
    head = checked(head)
    try:
        answers, asks = await asyncio.open_connection(*address)
    except OSError:
        raise Refused("502 Bad Gateway", "Temporal's pages do not answer yet.") from None
    asks.write(head)
    asking = asyncio.create_task(_copy(reader, asks))
    try:
        await _copy(answers, writer)
    finally:
        asking.cancel()
        await asyncio.wait([asking])
        asks.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()


async def _answer(writer: asyncio.StreamWriter, refused: Refused) -> None:
    said = f"{refused}\n".encode()
    lines = (
        f"HTTP/1.1 {refused.status}",
        "Content-Type: text/plain; charset=utf-8",
        f"Content-Length: {len(said)}",
        "X-Content-Type-Options: nosniff",
        "Connection: close",
    )
    writer.write("\r\n".join([*lines, "", ""]).encode() + said)
    await writer.drain()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m handoff.stack.front", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--to-host", required=True)
    parser.add_argument("--to-port", type=int, required=True)
    given = parser.parse_args()
    asyncio.run(_serve(given.port, (given.to_host, given.to_port)))


if __name__ == "__main__":
    leave_after(main)
