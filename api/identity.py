"""Who is calling, as `Annotated` types: an endpoint without one stands out."""

from typing import Annotated

from fastapi import Depends, Request, WebSocket
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import HTTPConnection

from api import browser_session
from api.services import Services
from handoff.contract import Actor
from handoff.database import people
from handoff.errors import Forbidden, Unauthenticated
from handoff.rules.policy import LEADING_ROLES, WORKING_ROLES

_bearer = HTTPBearer(auto_error=False, description="A JWT whose `sub` is the user's id")


def services(request: Request) -> Services:
    """The process's parts."""
    found: Services = request.app.state.services
    return found


Parts = Annotated[Services, Depends(services)]


async def identify(request: HTTPConnection, parts: Services, token: str | None) -> Actor:
    """The living user behind the token or the browser's cookie, as the database knows them now."""
    known: Actor | None = getattr(request.state, "caller", None)
    if known is not None:
        return known
    try:
        actor = await _prove(request, parts, token)
    except Unauthenticated:
        await parts.limits.failure(request.client.host if request.client else None)
        raise
    request.state.caller = actor
    await parts.limits.request(actor)
    return actor


async def _prove(request: HTTPConnection, parts: Services, token: str | None) -> Actor:
    if token:
        user_id = await parts.tokens.subject(token)
    else:
        user_id = browser_session.subject(request, parts.settings)
    async with parts.database.engine_room() as connection:
        actor = await people.identify(connection, user_id)
    if actor is None:
        raise Unauthenticated("This identity is not valid here. Sign in again.")
    return actor


def bearer_token(request: HTTPConnection) -> str | None:
    """The token in the Authorization header, if there is one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


async def _caller(
    request: Request,
    parts: Parts,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Actor:
    return await identify(request, parts, credentials.credentials if credentials else None)


async def caller_of_socket(socket: WebSocket, parts: Services) -> Actor:
    """The same for a WebSocket's handshake."""
    return await identify(socket, parts, bearer_token(socket))


Caller = Annotated[Actor, Depends(_caller)]
"""Any living user of an account, viewers included."""


async def _working(caller: Caller) -> Actor:
    if caller.role not in WORKING_ROLES:
        raise Forbidden("Viewers can look, but not act. Ask an admin for another role.")
    return caller


WorkingCaller = Annotated[Actor, Depends(_working)]
"""An engineer, admin or owner."""


async def _leading(caller: Caller) -> Actor:
    if caller.role not in LEADING_ROLES:
        raise Forbidden("Only admins and owners can do this.")
    return caller


LeadingCaller = Annotated[Actor, Depends(_leading)]
"""An admin or owner."""
