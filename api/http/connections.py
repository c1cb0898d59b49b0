"""Uvicorn's connections, taught what streams need: an end that does not wait for the reader.

An orderly close waits until everything written was read. Somebody who reads nothing could hold a
connection and its memory for as long as they like.
"""

import asyncio
import socket
import weakref
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from api.http.header_bounds import BoundedHeaders

CUT = "handoff.cut"
"""The ASGI extension: ends the connection at once."""

UNSENT_BYTES = 128 * 1024
"""What the kernel takes from us for a reader that is slow; by itself it would take megabytes."""

UNREAD_BYTES = 1024 * 1024
"""A peer that makes us answer (pings, closes) without reading is cut off at so much."""


SLOW = 30.0
"""Seconds in which a reader takes at least half of what waits for it, or is cut off."""


def way_to_cut(scope: Scope) -> Callable[[], None]:
    """Ends the request's connection at once, whatever is still to be sent."""
    cut: Callable[[], None] = scope.get("extensions", {}).get(CUT, lambda: None)
    return cut


class HttpConnection(BoundedHeaders):
    """HTTP/1.1."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.app = _with_cut(self.app, weakref.ref(self))
        self._slow: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Its socket stays when it becomes a WebSocket."""
        super().connection_made(transport)
        opened = transport.get_extra_info("socket")
        # Not every system has it, and Unix sockets have nothing of the kind.
        with suppress(OSError, AttributeError):
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)

    def pause_writing(self) -> None:
        """More waits for the reader than the transport likes to hold."""
        super().pause_writing()
        self._look_after(SLOW, unread=self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """The reader has caught up."""
        self._look_no_more()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody reads any more."""
        self._look_no_more()
        super().connection_lost(exc)

    def timeout_keep_alive_handler(self) -> None:
        """Who has not even read the last answer is not waited for."""
        super().timeout_keep_alive_handler()
        if self.transport.get_write_buffer_size():
            self.transport.abort()

    def _look_after(self, seconds: float, *, unread: int) -> None:
        self._look_no_more()
        self._slow = self.loop.call_later(seconds, self._look, unread)

    def _look(self, unread: int) -> None:
        left = self.transport.get_write_buffer_size()
        if left > unread / 2:
            self.transport.abort()
        else:
            self._look_after(SLOW, unread=left)

    def _look_no_more(self) -> None:
        if self._slow is not None:
            self._slow.cancel()
            self._slow = None


class SocketConnection(WebSocketsSansIOProtocol):
    """A WebSocket."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.app = _with_cut(self.app, weakref.ref(self))

    def data_received(self, data: bytes) -> None:
        """Pongs are written without asking whether anybody reads them."""
        super().data_received(data)
        if self.transport.get_write_buffer_size() > UNREAD_BYTES:
            self.transport.abort()

    async def send(self, message: Any) -> None:
        """A refusal that was answered as HTTP completes the handshake, too; uvicorn forgets to."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body"):
            self.handshake_complete = True

    def send_receive_event_to_app(self) -> None:
        """Text that is no UTF-8 ends the connection quietly; it is no error of ours."""
        if self.curr_msg_data_type == "text" and not _is_text(self.frames):
            self.conn.send_close(1007)
            self.handle_parser_exception()
            return
        super().send_receive_event_to_app()


def _is_text(frames: list[bytes]) -> bool:
    try:
        b"".join(frames).decode()
    except UnicodeDecodeError:
        return False
    return True


def _with_cut(app: Any, connection: weakref.ref[HttpConnection | SocketConnection]) -> Any:
    # Weak: what a client leaves behind is freed at once, not when cycles are looked for.
    def cut() -> None:
        if (found := connection()) is not None:
            found.transport.abort()

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("extensions", {})[CUT] = cut
        await app(scope, receive, send)

    return serve


async def first_of(*ways: Coroutine[Any, Any, bool]) -> bool:
    """Runs them together until the first ends, however it does; the others are called off."""
    tasks = [asyncio.create_task(way) for way in ways]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return all([task.result() for task in done])
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
