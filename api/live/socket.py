"""The live stream over WebSocket: the same events, and what clients may say on it.

Each client frame is a JSON object with one of `{"resume_from": n}` and `{"seen": [n, …]}`.
Anything else changes nothing.
"""

import asyncio
import json
from contextlib import suppress
from typing import Any

import structlog
from fastapi import WebSocket
from pydantic import ValidationError
from starlette.websockets import WebSocketDisconnect

from api.http.connections import first_of, way_to_cut
from api.identity.expiry import good_until
from api.live.feed import Encoded
from api.live.stream import Bye, Item, KeepAlive, Resync, Stream
from api.schemas.live import Seen
from api.services import Services
from handoff.contract.people import Actor
from handoff.database import deliveries, outages
from handoff.database.gate import Database
from handoff.errors import TooMany

logger = structlog.get_logger(__name__)

FIRST_FRAME_WITHIN = 0.5
"""Seconds that events wait for the client to say where it stands. It may say so later, too."""

CLOSE_WITHIN = 1.0

GOING_AWAY, TRY_AGAIN, SIGN_IN, TOO_MANY = 1001, 1013, 4401, 4429


async def converse(socket: WebSocket, parts: Services, caller: Actor) -> None:
    """Accepts the socket once the stream stands, and serves it to its end.

    Raises:
        Unreachable, OSError: the stream cannot be opened; the socket is not accepted.
    """
    cut = way_to_cut(socket.scope)
    resume_from = socket.headers.get("last-event-id") or socket.query_params.get("last_event_id")
    resume_from = resume_from or None
    until = good_until(socket, parts.settings)
    async with Stream.opened(parts.hub, caller, resume_from, until=until, cut=cut) as stream:
        await socket.accept()
        talk = _Talk(socket, stream, parts, caller, told=resume_from is not None)
        with suppress(WebSocketDisconnect):
            if not await first_of(talk.send(), talk.receive()):
                logger.info("stream.cut", user_id=str(caller.id), number=stream.position)
                cut()


class _Talk:
    """Both directions of one socket."""

    def __init__(
        self, socket: WebSocket, stream: Stream, parts: Services, caller: Actor, *, told: bool
    ) -> None:
        self._socket = socket
        self._stream = stream
        self._parts = parts
        self._caller = caller
        self._first_frame = asyncio.Event()
        if told:
            self._first_frame.set()

    async def send(self) -> bool:
        """The stream, to its end; False when the reader was too slow."""
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_FRAME_WITHIN):
                await self._first_frame.wait()
        while True:
            for item in await self._stream.more():
                try:
                    async with asyncio.timeout(self._parts.hub.manners.slow):
                        await self._socket.send_text(as_json(item))
                except TimeoutError:
                    return False
                if isinstance(item, Bye):
                    return await self._close(item)

    async def _close(self, bye: Bye) -> bool:
        return await self._end(GOING_AWAY if bye.reason == "drain" else SIGN_IN)

    async def _end(self, code: int) -> bool:
        try:
            async with asyncio.timeout(CLOSE_WITHIN):
                await self._socket.close(code)
        except TimeoutError:
            return False
        return True

    async def receive(self) -> bool:
        """What the client says, until it leaves."""
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return True
            # Whatever a frame asks for, it is a request; a socket is no way around their limit.
            try:
                await self._parts.limits.request(self._caller)
            except TooMany:
                logger.info("stream.talkative", user_id=str(self._caller.id))
                return await self._end(TOO_MANY)
            await self._take(_read(message.get("text")))
            self._first_frame.set()

    async def _take(self, frame: dict[str, Any]) -> None:
        if "resume_from" in frame:
            self._stream.resume(str(frame["resume_from"]))
        elif "seen" in frame and self._caller.token_id is None:
            # A program that acts as somebody has no eyes.
            with suppress(ValidationError, *outages.AWAY):
                seen = Seen(numbers=frame["seen"])
                await note_seen(self._parts.database, self._caller, seen)


async def note_seen(database: Database, caller: Actor, seen: Seen) -> None:
    """Notes in the ledger that the caller's own pushes of these events were seen."""
    async with database.account(caller.account_id) as tenant:
        await deliveries.mark_seen(tenant, caller.id, seen.numbers)


def _read(frame: str | None) -> dict[str, Any]:
    try:
        found = json.loads(frame or "")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def as_json(item: Item) -> str:
    """One item as a frame: events are envelopes, everything else has a type without a dot."""
    match item:
        case Encoded():
            return item.text
        case Resync():
            return _control("resync", {"number": item.number})
        case KeepAlive():
            return _control("keep-alive", {"number": item.number})
        case Bye():
            return _control("bye", {"reason": item.reason})


def _control(kind: str, data: dict[str, Any]) -> str:
    return json.dumps({"type": kind, "data": data})
