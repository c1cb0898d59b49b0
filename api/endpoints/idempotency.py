"""`Idempotency-Key` on every POST: a route class, so that no endpoint can forget it."""

import asyncio
import hashlib
from collections.abc import Callable, Collection, Coroutine
from contextlib import suppress
from typing import Any
from uuid import UUID

import structlog
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from api.http.problems import problem, refused_input
from api.identity.callers import bearer_token, identify, services
from handoff.contract.people import Actor
from handoff.database.gate import Database, Tenant
from handoff.database.operations import idempotency
from handoff.database.operations.idempotency import Answer, Reservation
from handoff.errors import HandoffError, Invalid, RequestInFlight
from handoff.ids import new_id

logger = structlog.get_logger(__name__)

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"

KEPT_HEADERS = ("content-type", "location", "etag")

NO_ANSWERS = (401, 408, 429)
"""Beside all of 5xx: they say nothing of the request itself, so a repeat is tried afresh."""

LET_GO_WITHIN = 2.0


def tells_nothing(status: int) -> bool:
    """Whether an answer of this status is none to be kept."""
    return status >= 500 or status in NO_ANSWERS


Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class IdempotentRoute(APIRoute):
    """Carries a POST with an `Idempotency-Key` out once; repeats get the same answer."""

    def get_route_handler(self) -> Handler:
        """Wraps the endpoint."""
        return idempotent(super().get_route_handler())


def idempotent(endpoint: Handler) -> Handler:
    """What the route does: other methods and requests without a key pass through."""

    async def handle(request: Request) -> Response:
        keys = request.headers.getlist(HEADER)
        if not keys or request.method != "POST":
            return await endpoint(request)
        return await _once(request, _checked(keys), endpoint)

    return handle


def resource_id(request: Request) -> UUID:
    """The id for what the request makes: the same at every try of the same request."""
    reserved: UUID | None = getattr(request.state, "resource_id", None)
    return reserved or new_id()


def keep_instead(request: Request, body: bytes) -> None:
    """What repeats are answered with, where the first answer holds a secret to be shown once."""
    request.state.kept_body = body


def keep_nothing(request: Request) -> None:
    """The answer tells of something that failed on our side: a repeat is tried afresh."""
    request.state.is_unfinished = True


async def keep_within(request: Request, tenant: Tenant, response: Response) -> None:
    """Keeps the answer in the transaction that does what it says: a process that dies after the
    commit leaves the answer to its repeats, and one that dies before leaves nothing.

    Raises:
        RequestInFlight: a repeat has taken the key over; what was done here must not stay.
    """
    held: _Held | None = getattr(request.state, "held", None)
    if held is not None:
        await held.keep_within(tenant, response)


async def keep_part_within(request: Request, tenant: Tenant, part: UUID, body: bytes) -> None:
    """The same for one of many things that a request does, each in a transaction of its own."""
    held: _Held | None = getattr(request.state, "held", None)
    if held is not None:
        await held.keep_part_within(tenant, part, body)


async def kept_parts(request: Request, parts: Collection[UUID]) -> dict[UUID, bytes]:
    """What an earlier try of the same request has done of them."""
    held: _Held | None = getattr(request.state, "held", None)
    return await held.kept_parts(parts) if held is not None else {}


def _checked(keys: list[str]) -> str:
    key = keys[0]
    if len(keys) > 1 or not 1 <= len(key) <= 255 or not (key.isascii() and key.isprintable()):
        fault = {"path": f"header/{HEADER}", "message": "1 to 255 printable ASCII characters"}
        raise Invalid(
            f"{HEADER} must be one key of 1 to 255 printable ASCII characters.",
            errors=[{**fault, "type": "idempotency_key"}],
        )
    return key


async def _once(request: Request, key: str, endpoint: Handler) -> Response:
    parts = services(request)
    caller = await identify(request, parts, bearer_token(request))
    fingerprint = await _fingerprint(request)
    reserved = await idempotency.reserve(parts.database, caller, key, fingerprint)
    if isinstance(reserved, Answer):
        headers = {**reserved.headers, REPLAYED: "true"}
        return Response(reserved.body, reserved.status, headers)
    request.state.resource_id = reserved.resource_id
    held = request.state.held = _Held(parts.database, caller, key, reserved)
    return await _carry_out(request, endpoint, held)


async def _fingerprint(request: Request) -> bytes:
    """What tells this request from others. A body that has been put down as it came is told by
    its digest, and not held for this."""
    told = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    put_down: bytes | None = getattr(request.state, "put_down", None)
    return hashlib.sha256(told + (put_down or await request.body())).digest()


async def _carry_out(request: Request, endpoint: Handler, held: "_Held") -> Response:
    try:
        response = await _answer(request, endpoint)
    except BaseException:
        await held.let_go()
        raise
    if tells_nothing(response.status_code) or getattr(request.state, "is_unfinished", False):
        await held.let_go()
    else:
        await held.keep(request, response)
    return response


async def _answer(request: Request, endpoint: Handler) -> Response:
    """Refusals are answers too; they are rendered here, so that they can be kept."""
    try:
        return await endpoint(request)
    except HandoffError as error:
        return problem(error)
    except RequestValidationError as fault:
        return problem(refused_input(request, fault))


class _Held:
    """A key in this request's hand."""

    def __init__(
        self, database: Database, caller: Actor, key: str, reservation: Reservation
    ) -> None:
        self._database = database
        self._caller = caller
        self._key = key
        self._reservation = reservation
        self._is_kept = False
        # A repeat has the key in hand by now: what it is answered is its own affair.
        self._is_taken = False

    async def keep_within(self, tenant: Tenant, response: Response) -> None:
        """In the transaction of the act itself."""
        answer = _as_kept(response, bytes(response.body))
        self._is_kept = self._is_taken = False
        try:
            await idempotency.keep_within(
                tenant, self._caller, self._key, self._reservation, answer
            )
        except RequestInFlight:
            self._is_taken = True
            raise
        self._is_kept = True

    async def keep_part_within(self, tenant: Tenant, part: UUID, body: bytes) -> None:
        """In the transaction of the part itself."""
        answer = Answer(200, {}, body)
        await idempotency.keep_part_within(tenant, self._caller, self._key, part, answer)

    async def kept_parts(self, parts: Collection[UUID]) -> dict[UUID, bytes]:
        """By part, what was answered."""
        kept = await idempotency.kept_parts(self._database, self._caller, self._key, parts)
        return {part: answer.body for part, answer in kept.items()}

    async def keep(self, request: Request, response: Response) -> None:
        """Not kept is no fault of the answer's: a repeat finds what was done by its id."""
        if self._is_taken or (self._is_kept and response.status_code < 400):
            return
        body = getattr(request.state, "kept_body", None) or bytes(response.body)
        answer = _as_kept(response, body)
        try:
            await idempotency.keep(self._database, self._caller, self._key, answer)
        except Exception as fault:  # The work is done, and the caller must learn of it.
            logger.warning("idempotency.unkept", cause=type(fault).__name__)

    async def let_go(self) -> None:
        """If even this fails, the key is free again when its time is up."""
        with suppress(Exception):
            async with asyncio.timeout(LET_GO_WITHIN):
                await idempotency.let_go(self._database, self._caller, self._key, self._reservation)


def _as_kept(response: Response, body: bytes) -> Answer:
    headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    return Answer(response.status_code, headers, body)
