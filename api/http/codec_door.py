"""`POST /codec/decode`: Temporal's remote codec, so that its web UI can show an admin what is
encrypted. It is for that UI alone, and no part of the API that programs use.

A payload is bound to its handoff's workflow, so its owner is found in the record: nobody sees
another account's, nor the notes of a parked handoff that are still its parker's own.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from google.protobuf.json_format import MessageToDict, Parse, ParseError
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from temporalio.api.common.v1 import Payload, Payloads

from api.http.problems import problem
from api.identity import browser_session
from api.identity.callers import bearer_token, identify
from api.services import Services
from handoff.addresses import web_origin
from handoff.contract.people import Actor
from handoff.database import records
from handoff.errors import Forbidden, HandoffError, Invalid, TooLarge, TooSlow
from handoff.keys import keyring_of
from handoff.rules.roles import LEADING_ROLES
from handoff.settings import Settings
from handoff.temporal import queues
from handoff.temporal.codec import BOUND_TO, EncryptingCodec, is_readable
from handoff.temporal.key_ring import KeyRing

PATH = "/codec/decode"
BODY_BYTES = 1024 * 1024
"""More than the API takes elsewhere: encrypted, and twice in base64, our largest input grows."""

MOST_PAYLOADS = 200


class CodecDoor:
    """Answers Temporal's UI, lets all else pass, and is closed where nothing is encrypted."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        origin = _origin(settings.temporal_ui_url)
        self._origin = origin
        self._keyring = keyring_of(settings)
        self._door = CORSMiddleware(
            self._decode,
            allow_origins=[origin] if origin else [],
            allow_credentials=True,
            allow_methods=["POST"],
            allow_headers=["authorization", "content-type", "x-namespace"],
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """By its path alone."""
        ours = scope["type"] == "http" and scope["path"] == PATH
        is_open = self._keyring.writer is not None
        await (self._door if ours and is_open else self._app)(scope, receive, send)

    async def _decode(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            return await self._app(scope, receive, send)
        request = Request(scope, receive)
        try:
            shown = await _show(request, self._keyring, self._origin)
            answer = JSONResponse(MessageToDict(shown))
        except HandoffError as error:
            await problem(error)(scope, receive, send)
        else:
            await answer(scope, receive, send)


def _origin(address: str | None) -> str | None:
    if address is None:
        return None
    return web_origin(address)


async def _show(request: Request, keyring: KeyRing, origin: str | None) -> Payloads:
    parts: Services = request.app.state.services
    setattr(request.state, browser_session.TRUSTED, origin)
    caller = await identify(request, parts, bearer_token(request))
    if caller.role not in LEADING_ROLES:
        raise Forbidden("Only admins and owners can read what the engine keeps.")
    asked = await _asked(request, within=parts.settings.body_within)
    codec = EncryptingCodec(keyring, parts.temporal.namespace)
    opened = await codec.decode(asked)
    owners = [_handoff_id(payload) for payload in asked]
    theirs = await _readable(parts, caller, {owner for owner in owners if owner is not None})
    return Payloads(
        payloads=[
            clear if owner in theirs and is_readable(clear) else sealed
            for sealed, clear, owner in zip(asked, opened, owners, strict=True)
        ]
    )


async def _asked(request: Request, *, within: timedelta) -> Sequence[Payload]:
    body = bytearray()
    try:
        async with asyncio.timeout(within.total_seconds()):
            async for chunk in request.stream():
                body += chunk
                if len(body) > BODY_BYTES:
                    raise TooLarge(f"The body may have {BODY_BYTES} bytes at most.")
    except TimeoutError:
        raise TooSlow("The body did not arrive in time.") from None
    try:
        payloads = Parse(bytes(body), Payloads()).payloads
    except (ParseError, UnicodeDecodeError, RecursionError):
        raise Invalid("Send payloads as Temporal's UI does.", errors=[]) from None
    if len(payloads) > MOST_PAYLOADS:
        raise Invalid(f"At most {MOST_PAYLOADS} payloads at once.", errors=[])
    return payloads


def _handoff_id(payload: Payload) -> UUID | None:
    """Whose it says it is. What it says is proven when it can be decrypted."""
    name = payload.metadata.get(BOUND_TO, b"").decode(errors="replace")
    try:
        handoff_id = UUID(name.removeprefix("handoff-"))
    except ValueError:
        return None
    return handoff_id if queues.workflow_id(handoff_id) == name else None


async def _readable(parts: Services, caller: Actor, ids: set[UUID]) -> set[UUID]:
    async with parts.database.account(caller.account_id) as tenant:
        return await records.readable(tenant, ids, reader_id=caller.reader_id)
