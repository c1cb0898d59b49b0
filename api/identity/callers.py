"""Who is calling, as `Annotated` types: an endpoint without one stands out."""

from typing import Annotated

from fastapi import Depends, Request, WebSocket
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import HTTPConnection

from api.identity import browser_session, machines, recognition
from api.services import Services
from handoff.contract.people import Actor, Subject
from handoff.contract.words import TokenScope
from handoff.database import people
from handoff.errors import Forbidden, Unauthenticated
from handoff.rules.roles import LEADING_ROLES, WORKING_ROLES

ACCOUNT = "Handoff-Account"
"""The header by which somebody of several accounts says as whose user they call."""

_bearer = HTTPBearer(
    auto_error=False,
    description="A JWT (its `sub` is the user's id, or bound to a user where a provider signs it; "
    "who belongs to several accounts names one in `Handoff-Account`), or an API token (`hnd_…`) "
    "within its scopes",
)


def services(request: Request) -> Services:
    """The process's parts."""
    found: Services = request.app.state.services
    return found


async def _parts(request: Request) -> Services:
    # A dependency that is no coroutine would be sent through a thread, at every request.
    return services(request)


Parts = Annotated[Services, Depends(_parts)]


async def identify(request: HTTPConnection, parts: Services, token: str | None) -> Actor:
    """The living user behind the token or the browser's cookie, as the database knows them now.

    Raises:
        Unauthenticated: nobody that we know.
        TooMany: they, or strangers from their address, have asked for too much.
        Forbidden: an API token whose scopes do not open what is asked for.
    """
    known: Actor | None = getattr(request.state, "caller", None)
    if known is not None:
        return known
    try:
        actor, scopes = await _prove(request, parts, token)
    except Unauthenticated:
        await parts.limits.failure(peer(request))
        raise
    await parts.limits.request(actor)
    if scopes is not None:
        machines.must_be_open(request, scopes)
    request.state.caller = actor
    return actor


async def _prove(
    request: HTTPConnection, parts: Services, token: str | None
) -> tuple[Actor, frozenset[TokenScope] | None]:
    """A person has no scopes; a program has nothing but scopes."""
    if token and token.startswith(machines.MARK):
        return await machines.prove(parts, token, peer=peer(request))
    return await _person(request, parts, token), None


def peer(request: HTTPConnection) -> str | None:
    """The address from which it comes."""
    return request.client.host if request.client else None


async def _person(request: HTTPConnection, parts: Services, token: str | None) -> Actor:
    since = None
    if token:
        shown = await parts.tokens.subject(token)
        if isinstance(shown, Subject):
            return await recognition.by_subject(parts, shown, request.headers.get(ACCOUNT))
        user_id = shown
    else:
        session = browser_session.proven(request, parts.settings)
        user_id, since = session.user_id, session.since
    parts.limits.named(user_id)
    async with parts.database.glance() as connection:
        actor = await people.find_anywhere(connection, user_id, since=since)
    if actor is None:
        await parts.limits.nobody(user_id)
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
