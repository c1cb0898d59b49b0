"""Live events, over SSE and over WebSocket: the same envelopes in the same order."""

import asyncio
import json
from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Header, WebSocket, WebSocketDisconnect
from fastapi.responses import Response

from api.hub import Rung
from api.identity import Caller, Parts, caller_of_socket
from api.routes.answers import problems
from api.sse import SLOW_AFTER, EventStream
from api.stream import Bye, Item, KeepAlive, Resync, Stream
from handoff.errors import HandoffError

router = APIRouter(tags=["live"])

FIRST_FRAME_WITHIN = 0.5
"""Seconds that a WebSocket's client has to say where it wants to resume."""

LARGEST_FRAME = 1024


@router.get(
    "/events",
    operation_id="streamEvents",
    response_class=Response,
    responses={
        200: {
            "description": "`id` the event's number, `event` its short type, `data` the envelope; "
            "`resync` and `bye` besides",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        **problems(),
    },
)
async def stream_events(
    caller: Caller,
    parts: Parts,
    last_event_id: Annotated[str | None, Header()] = None,
) -> EventStream:
    """Every event of the account, gapless and in order, resumable by `Last-Event-ID`."""
    stream = Stream(parts.hub, parts.database, caller)
    return EventStream(stream.items(last_event_id))


@router.websocket("/events/ws")
async def socket_events(socket: WebSocket) -> None:
    """The same over WebSocket. The first client frame may be `{"resume_from": n}`."""
    parts = socket.app.state.services
    try:
        caller = await caller_of_socket(socket, parts)
    except HandoffError:
        await socket.close(code=4401)
        return
    await socket.accept()
    stream = Stream(parts.hub, parts.database, caller)
    try:
        resume_from = await _first_frame(socket)
        sending = asyncio.create_task(_send_all(socket, stream, resume_from))
        leaving = asyncio.create_task(_drain(socket))
        try:
            await asyncio.wait([sending, leaving], return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            sending.cancel()
            await asyncio.wait([sending, leaving])
    except WebSocketDisconnect:
        return
    with suppress(RuntimeError):
        await socket.close(code=1001)


async def _first_frame(socket: WebSocket) -> str | None:
    try:
        async with asyncio.timeout(FIRST_FRAME_WITHIN):
            text = await socket.receive_text()
    except TimeoutError:
        return None
    try:
        wanted = json.loads(text[:LARGEST_FRAME])["resume_from"]
    except (ValueError, KeyError, TypeError):
        return "unreadable"
    return str(wanted)


async def _drain(socket: WebSocket) -> None:
    with suppress(WebSocketDisconnect):
        while True:
            await socket.receive_text()


async def _send_all(socket: WebSocket, stream: Stream, resume_from: str | None) -> None:
    async for item in stream.items(resume_from):
        text = _text(item)
        if text is not None:
            async with asyncio.timeout(SLOW_AFTER):
                await socket.send_text(text)


def _text(item: Item) -> str | None:
    match item:
        case Rung():
            return item.text
        case Resync():
            return _control("resync", {"number": item.number})
        case Bye():
            return _control("bye", {"reason": item.reason})
        case KeepAlive():
            return _control("keep-alive", {})


def _control(kind: str, data: dict[str, Any]) -> str:
    return json.dumps({"type": kind, "data": data})
