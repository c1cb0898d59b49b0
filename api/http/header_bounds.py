"""Bounds on a request's first lines, where no application can hold them: at the connection.

The HTTP parser itself takes headers of any size, number and slowness.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from api.http.problems import problem
from handoff.errors import HandoffError, HeadersTooLarge, Refusal, TooSlow

HEADER_BYTES = 32 * 1024
"""The request line included. A bearer token has 8 KiB at most."""

HEADERS = 100
HEADERS_WITHIN = 20.0
"""Seconds from a request's first byte, or the connection's start, to the end of its headers."""

SURPLUS_BYTES = 1024 * 1024
"""What a client may still send of a request that has been answered already."""


class BoundedHeaders(HttpToolsProtocol):
    """HTTP/1.1 that refuses what grows without end before it is a request."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._in_headers, self._fresh, self._whole = True, True, False
        self._gathered = self._parsed = self._headers = self._surplus = 0
        self._late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody who connects has something to say. Who says nothing is left without a word:
        an answer that nobody asked for would be taken for that to the next question."""
        super().connection_made(transport)
        self._start_clock(transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._stop_clock()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """What the parser only gathers is counted here; what it hands on, below."""
        super().data_received(data)
        if self._in_headers:
            # The first piece may hold the end of another request: what it parses to counts.
            self._gathered += 0 if self._fresh else len(data)
            self._fresh = False
            if self._gathered > HEADER_BYTES:
                self._refuse(_too_large())
        elif self.cycle is not None and self.cycle.response_complete and not self._whole:
            self._surplus += len(data)
            if self._surplus > SURPLUS_BYTES:
                self.transport.close()

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._in_headers, self._fresh, self._whole = True, True, False
        self._gathered = self._parsed = self._headers = self._surplus = 0
        late = TooSlow(f"The headers must arrive within {HEADERS_WITHIN:g} seconds.")
        self._start_clock(partial(self._refuse, late))

    def on_url(self, url: bytes) -> None:
        """A piece of the request line."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, or one trailer."""
        self._headers += 1
        self._count(len(name) + len(value) + 4)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The body has a clock of its own."""
        self._in_headers = False
        self._stop_clock()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The last byte of a request."""
        self._whole = True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What the parser refuses, as a problem."""
        over = self._parsed > HEADER_BYTES or self._headers > HEADERS
        self._refuse(_too_large() if over else Refusal("This is not a well-formed HTTP request."))

    def _count(self, size: int) -> None:
        self._parsed += size
        if self._parsed > HEADER_BYTES or self._headers > HEADERS:
            raise ValueError("the headers are too large")  # It ends the parser's work.

    def _refuse(self, error: HandoffError) -> None:
        self._stop_clock()
        if self.transport.is_closing():
            return
        response = problem(error, Connection="close")
        lines = [name + b": " + value + b"\r\n" for name, value in response.raw_headers]
        head = b"".join([STATUS_LINE[error.status], *lines, b"\r\n"])
        self.transport.write(head + bytes(response.body))
        self.transport.close()

    def _start_clock(self, give_up: Callable[[], None]) -> None:
        self._stop_clock()
        self._late = self.loop.call_later(HEADERS_WITHIN, give_up)

    def _stop_clock(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


def _too_large() -> HeadersTooLarge:
    return HeadersTooLarge(
        f"The headers may have {HEADER_BYTES} bytes in all, and be {HEADERS} at most."
    )
