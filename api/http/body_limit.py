"""Bounds on what a request may bring: size and time as it arrives, sound JSON when it is read."""

import asyncio
from datetime import timedelta

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http import json_bodies, uploads
from api.http.problems import Saying
from handoff.errors import HandoffError, TooLarge, TooSlow

BODY_BYTES = 160 * 1024

DRAINED_BYTES = 1024 * 1024
"""So much of a body that is too large is read and dropped, because a client that still writes
would not read our answer. Beyond that the connection is closed on it."""


class BodyLimit:
    """Reads the body whole: 160 KiB at most, whatever was declared, and all of it in time."""

    def __init__(self, app: ASGIApp, *, within: timedelta, say: Saying) -> None:
        self._app = app
        self._within = within.total_seconds()
        self._say = say

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Requests without a body pass through untouched, and files, which have bounds of their
        own."""
        is_read = scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS")
        if is_read or uploads.is_upload(scope):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            body = await self._whole(headers, receive)
        except ConnectionResetError:
            # Half a request is none, and nobody is left to be answered.
            return
        except _Unread as unread:
            answer = self._say(scope, unread.refusal)
            answer.headers["Connection"] = "close"
            await answer(scope, receive, send)
        except HandoffError as refusal:
            await self._say(scope, refusal)(scope, receive, send)
        else:
            once = _Once(
                body, receive, is_json=json_bodies.is_json(headers.get("content-type", ""))
            )
            answering = once.answering(scope, receive, send, self._say)
            await self._app(scope, once.receive, answering)

    async def _whole(self, headers: Headers, receive: Receive) -> bytes:
        declared = headers.get("content-length", "0")
        if declared.isdigit() and int(declared[:20]) > DRAINED_BYTES:
            raise _Unread(_too_large())
        try:
            async with asyncio.timeout(self._within):
                return await _read(receive)
        except TimeoutError:
            late = TooSlow(f"The body must arrive within {self._within:g} seconds.")
            raise _Unread(late) from None


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


class _Once:
    """A body for whoever asks for it. It is judged then: most of what strangers send is not read.

    What the application makes of a fault is replaced by the fault itself.
    """

    def __init__(self, body: bytes, receive: Receive, *, is_json: bool) -> None:
        self._body = body
        self._further = receive
        self._is_json = is_json
        self._given = False
        self._fault: HandoffError | None = None

    async def receive(self) -> Message:
        """The body, and then what the connection has to say."""
        if self._given:
            return await self._further()
        self._given = True
        if self._body and self._is_json:
            try:
                json_bodies.must_be_plain(self._body)
            except HandoffError as fault:
                self._fault = fault
                raise
        return {"type": "http.request", "body": self._body, "more_body": False}

    def answering(self, scope: Scope, receive: Receive, send: Send, say: Saying) -> Send:
        """Sends the application's answer, or the fault's."""
        told = False

        async def answer(message: Message) -> None:
            nonlocal told
            if self._fault is None:
                await send(message)
            elif not told:
                told = True
                await say(scope, self._fault)(scope, receive, send)

        return answer
