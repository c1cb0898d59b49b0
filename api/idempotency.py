"""`Idempotency-Key` on every POST: a route class, so that no endpoint can forget it."""

import hashlib
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from api.identity import bearer_token, identify, services
from api.problems import invalid, problem
from handoff.contract import Actor
from handoff.database import Database, idempotency
from handoff.database.idempotency import Answer
from handoff.errors import HandoffError, Invalid
from handoff.ids import new_id

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class IdempotentRoute(APIRoute):
    """Carries a POST with an `Idempotency-Key` out once; repeats get the same answer."""

    def get_route_handler(self) -> Handler:
        """Wraps the endpoint; other methods and requests without a key pass through."""
        endpoint = super().get_route_handler()

        async def handle(request: Request) -> Response:
            key = request.headers.get(HEADER)
            if key is None or request.method != "POST":
                return await endpoint(request)
            return await _once(request, _checked(key), endpoint)

        return handle


def resource_id(request: Request) -> UUID:
    """The id for what the request makes: the same at every try of the same request."""
    reserved: UUID | None = getattr(request.state, "resource_id", None)
    return reserved or new_id()


def _checked(key: str) -> str:
    if not 1 <= len(key) <= 255 or not (key.isascii() and key.isprintable()):
        raise Invalid(f"{HEADER} must be 1 to 255 printable characters.", errors=[])
    return key


async def _once(request: Request, key: str, endpoint: Handler) -> Response:
    parts = services(request)
    caller = await identify(request, parts, bearer_token(request))
    fingerprint = hashlib.sha256(
        f"{request.method} {request.url.path}?{request.url.query}\n".encode() + await request.body()
    ).digest()
    reserved = await idempotency.reserve(parts.database, caller, key, fingerprint)
    if isinstance(reserved, Answer):
        headers = {**reserved.headers, REPLAYED: "true"}
        return Response(reserved.body, reserved.status, headers)
    request.state.resource_id = reserved.resource_id
    return await _carry_out(request, endpoint, parts.database, caller, key)


async def _carry_out(
    request: Request, endpoint: Handler, database: Database, caller: Actor, key: str
) -> Response:
    try:
        response = await _answer(request, endpoint)
    except BaseException:
        await idempotency.let_go(database, caller, key)
        raise
    if response.status_code >= 500 or response.status_code in (401, 429):
        await idempotency.let_go(database, caller, key)
    else:
        headers = {
            name: value
            for name, value in response.headers.items()
            if name in ("content-type", "location", "etag")
        }
        answer = Answer(response.status_code, headers, bytes(response.body))
        await idempotency.keep(database, caller, key, answer)
    return response


async def _answer(request: Request, endpoint: Handler) -> Response:
    """Refusals are answers too; they are rendered here, so that they can be kept."""
    try:
        return await endpoint(request)
    except HandoffError as error:
        return problem(error)
    except RequestValidationError as fault:
        return problem(invalid(fault.errors()))
