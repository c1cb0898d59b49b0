"""Bounds on what a request may bring, enforced while it is read: size, time, and sound JSON."""

import asyncio
from datetime import timedelta

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http import json_bodies
from api.http.problems import problem
from handoff.errors import HandoffError, TooLarge, TooSlow

BODY_BYTES = 64 * 1024

DRAINED_BYTES = 1024 * 1024
"""So much of a body that is too large is read and dropped, because a client that still writes
would not read our answer. Beyond that the connection is closed on it."""


class BodyLimit:
    """Reads the body whole: 64 KiB at most, whatever was declared, and all of it in time."""

    def __init__(self, app: ASGIApp, *, within: timedelta) -> None:
        self._app = app
        self._within = within.total_seconds()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Requests without a body pass through untouched."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        try:
            body = await self._checked(Headers(scope=scope), receive)
        except ConnectionResetError:
            # Half a request is none, and nobody is left to be answered.
            return
        except _Unread as unread:
            await problem(unread.refusal, Connection="close")(scope, receive, send)
        except HandoffError as refusal:
            await problem(refusal)(scope, receive, send)
        else:
            await self._app(scope, _replay(body, receive), send)

    async def _checked(self, headers: Headers, receive: Receive) -> bytes:
        declared = headers.get("content-length", "0")
        if declared.isdigit() and int(declared[:20]) > DRAINED_BYTES:
            raise _Unread(_too_large())
        try:
            async with asyncio.timeout(self._within):
                body = await _read(receive)
        except TimeoutError:
            late = TooSlow(f"The body must arrive within {self._within:g} seconds.")
            raise _Unread(late) from None
        if body and json_bodies.is_json(headers.get("content-type", "")):
            json_bodies.must_be_plain(body)
        return body


class _Unread(Exception):
    """The rest of the body stays unread, so the connection ends with the refusal."""

    def __init__(self, refusal: HandoffError) -> None:
        super().__init__(refusal)
        self.refusal = refusal


async def _read(receive: Receive) -> bytes:
    body, size, more = bytearray(), 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise ConnectionResetError
        chunk = message.get("body", b"")
        size += len(chunk)
        more = message.get("more_body", False)
        if size <= BODY_BYTES:
            body += chunk
        elif size > DRAINED_BYTES:
            raise _Unread(_too_large())
    if size > BODY_BYTES:
        raise _too_large()
    return bytes(body)


def _too_large() -> TooLarge:
    return TooLarge(f"The body may have {BODY_BYTES} bytes at most.")


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
