"""Live events, over SSE and over WebSocket: the same envelopes in the same order; and what of
them was seen."""

from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import Response
from starlette.websockets import WebSocketState

from api.endpoints.answers import documented, problems
from api.endpoints.idempotency import IdempotentRoute
from api.http.problems import problem
from api.identity.callers import Caller, Parts, caller_of_socket
from api.identity.expiry import good_until
from api.live.socket import SIGN_IN, TRY_AGAIN, converse, note_seen
from api.live.sse import EventStream
from api.schemas.live import Seen
from handoff.database import outages
from handoff.errors import HandoffError, TooMany, TooManyStreams, Unreachable

router = APIRouter(tags=["live"], route_class=IdempotentRoute)


@router.get(
    "/events",
    operation_id="streamEvents",
    response_class=Response,
    responses={
        200: {
            "description": "`id` the event's number, `event` its short type, `data` the envelope; "
            "`resync`, `bye` and, where it is asked for, `beat` besides",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        **problems(),
        429: documented(TooMany, TooManyStreams),
    },
)
async def stream_events(
    request: Request,
    caller: Caller,
    parts: Parts,
    last_event_id: Annotated[str | None, Header()] = None,
    start: Annotated[
        str | None,
        Query(
            alias="last_event_id",
            max_length=40,
            description="The same for a first connection: an EventSource cannot set the header, "
            "which counts where both stand",
        ),
    ] = None,
    beat: Annotated[
        bool,
        Query(
            description="While it is quiet, an event `beat` instead of a comment: an EventSource "
            "tells nobody of comments"
        ),
    ] = False,
) -> EventStream:
    """Every event of the account, gapless and in order, resumable by `Last-Event-ID`."""
    # An empty one is none: some clients send it before they have heard anything.
    resume_from = last_event_id or start or None
    until = good_until(request, parts.settings)
    return EventStream(parts.hub, caller, resume_from, until=until, beats=beat)


@router.post(
    "/events/seen", status_code=204, operation_id="markEventsSeen", responses=problems(413)
)
async def mark_events_seen(body: Seen, caller: Caller, parts: Parts) -> None:
    """The caller has seen the pushes of these events. What is not theirs stays as it is."""
    await note_seen(parts.database, caller, body)


@router.websocket("/events/ws")
async def socket_events(socket: WebSocket) -> None:
    """The same over WebSocket. The first client frame may be `{"resume_from": n}`."""
    parts = socket.app.state.services
    refusal: HandoffError
    try:
        caller = await caller_of_socket(socket, parts)
        return await converse(socket, parts, caller)
    except HandoffError as error:
        refusal = error
    except outages.AWAY:
        refusal = Unreachable("The record does not answer. Connect again in a moment.")
    with suppress(WebSocketDisconnect, RuntimeError):
        if socket.application_state is WebSocketState.CONNECTING:
            await socket.send_denial_response(problem(refusal))
        else:
            await socket.close(SIGN_IN if refusal.status < 500 else TRY_AGAIN)
