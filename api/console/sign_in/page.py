"""Signing in and out: by the identity provider, or with one click at an embedded stack."""

from itertools import groupby
from typing import TYPE_CHECKING, Annotated
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import structlog
from fastapi import Query, Request, Response
from fastapi.responses import RedirectResponse

from api.console.shared.rendering import page
from api.console.shared.routing import page_router
from api.console.sign_in.kept import (
    CALLBACK,
    CHOICE,
    CHOOSE,
    flow_of,
    forget,
    keep_choice,
    kept_choice,
)
from api.identity import browser_session, recognition
from api.identity.callers import Parts
from api.services import Services
from handoff.database import clock, people
from handoff.database.reading import offers
from handoff.errors import Forbidden, NotFound, Unauthenticated
from handoff.loading import load

if TYPE_CHECKING:
    from api.console.sign_in.oidc import Provider

logger = structlog.get_logger(__name__)

router = page_router()

NextPage = Annotated[str, Query(alias="next", max_length=2000)]


def _inside(wanted: str) -> str:
    """A page of ours, whatever the address asks for: a sign-in never leads elsewhere."""
    ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\", "/sign-"))
    return wanted if ours and wanted.isprintable() else "/"


def _see(address: str) -> RedirectResponse:
    return RedirectResponse(address, 303, {"Cache-Control": "no-store"})


@router.get("/sign-in")
async def sign_in_page(
    request: Request, parts: Parts, next_page: NextPage = "/", failed: str = ""
) -> Response:
    """Where to sign in. At an embedded stack: as whom."""
    embedded = parts.settings.embedded
    content = {
        "next": _inside(next_page),
        "provider": urlsplit(parts.settings.oidc_issuer or "").hostname,
        "accounts": await _residents(parts) if embedded else {},
        "failed": bool(failed),
    }
    return page(request, "sign_in/page.html", content)


async def _residents(parts: Services) -> dict[str, list[offers.Resident]]:
    async with parts.probed.engine_room() as connection:
        found = await offers.residents(connection)
    return {name: list(some) for name, some in groupby(found, lambda one: one.account)}


@router.post("/sign-in/as")
async def sign_in_as(request: Request, parts: Parts) -> Response:
    """One click, at an embedded stack alone, from its own page on this machine."""
    if not parts.settings.embedded:
        raise Forbidden("Only a stack started by `handoff up` signs in without a proof.")
    browser_session.check_origin(request, parts.settings)
    # One plain form of our own: a form parser would be one more library for two fields.
    fields = parse_qs((await request.body()).decode("utf-8", "replace"))
    user_id, next_page = (fields.get(name, [""])[0] for name in ("user_id", "next"))
    return await _welcome(request, parts, _id(user_id), _inside(next_page))


def _id(given: str) -> UUID:
    try:
        return UUID(given)
    except ValueError:
        raise NotFound("There is no such user.") from None


@router.get("/sign-in/start")
async def start(
    request: Request, parts: Parts, next_page: NextPage = "/", choose: bool = False
) -> Response:
    """Off to the identity provider. `choose`: who belongs to several accounts says which."""
    provider = await _provider(request, parts)
    return await provider.begin(request, _inside(next_page), choose=choose)


@router.get(CALLBACK)
async def callback(request: Request, parts: Parts) -> Response:
    """Back from the identity provider: in at once, or first to a choice of theirs."""
    try:
        provider = await _provider(request, parts)
        claimed = await provider.finish(request)
        found = await recognition.candidates(parts, claimed.subject)
        user_id = None
        if not (claimed.choose and found):
            user_id = await recognition.enter(parts, claimed.subject, found, None)
    except Unauthenticated as fault:
        return _failed(fault)
    if user_id is None:
        response: Response = _see(CHOOSE)
        keep_choice(response, parts.settings, claimed)
    else:
        response = await _welcome(request, parts, user_id, claimed.next)
    forget(response, flow_of(request.query_params.get("state", "")))
    return response


def _failed(fault: Unauthenticated) -> Response:
    logger.warning("sign_in.unknown", cause=fault.detail)
    return _see("/sign-in?failed=1")


@router.get(CHOOSE)
async def choices(request: Request, parts: Parts) -> Response:
    """Whom the provider's word fits: an account they are of, or one that has invited them."""
    try:
        claimed = kept_choice(request, parts.settings)
    except Unauthenticated as fault:
        return _failed(fault)
    found = await recognition.candidates(parts, claimed.subject)
    return page(request, "sign_in/choose.html", {"found": found})


@router.post(CHOOSE)
async def choose(request: Request, parts: Parts) -> Response:
    """Their own yes: from now on they sign in as this user."""
    browser_session.check_origin(request, parts.settings)
    fields = parse_qs((await request.body()).decode("utf-8", "replace"))
    try:
        claimed = kept_choice(request, parts.settings)
        found = await recognition.candidates(parts, claimed.subject)
        wanted = _id(fields.get("user_id", [""])[0])
        user_id = await recognition.enter(parts, claimed.subject, found, wanted)
    except Unauthenticated as fault:
        return _failed(fault)
    assert user_id is not None  # noqa: S101 - one was named
    response = await _welcome(request, parts, user_id, claimed.next)
    forget(response, CHOICE)
    return response


async def _provider(request: Request, parts: Services) -> "Provider":
    if parts.settings.oidc_issuer is None:
        raise NotFound("No identity provider is configured.")
    state = request.app.state
    # Its libraries are loaded by the first who signs in.
    await load("api.console.sign_in.oidc")
    from api.console.sign_in.oidc import Provider

    if not hasattr(state, "oidc"):
        state.oidc = Provider(parts.settings)
    found: Provider = state.oidc
    return found


async def _welcome(request: Request, parts: Services, user_id: UUID, next_page: str) -> Response:
    async with parts.database.engine_room() as connection:
        if await people.find_anywhere(connection, user_id) is None:
            raise NotFound("There is no such user, or they are no longer active.")
        at = await clock.present(connection)
    response = _see(next_page)
    browser_session.give_cookie(response, parts.settings, user_id, at=at)
    return response


@router.post("/sign-out")
async def sign_out(request: Request, parts: Parts) -> Response:
    """Forgets who uses this browser."""
    browser_session.check_origin(request, parts.settings)
    response = _see("/sign-in")
    browser_session.take_cookie(response, parts.settings)
    return response
