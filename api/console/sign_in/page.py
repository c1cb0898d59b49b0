"""Signing in and out: by the identity provider, or with one click at an embedded stack."""

from contextlib import suppress
from itertools import groupby
from typing import Annotated
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import structlog
from fastapi import Query, Request, Response
from fastapi.responses import RedirectResponse

from api.console.shared.rendering import page
from api.console.shared.routing import page_router
from api.console.sign_in.oidc import CALLBACK, Claimed, Provider
from api.identity import browser_session
from api.identity.callers import Parts
from api.services import Services
from handoff.database import people
from handoff.database.reading import offers
from handoff.errors import Forbidden, NotFound, Unauthenticated

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
async def start(request: Request, parts: Parts, next_page: NextPage = "/") -> Response:
    """Off to the identity provider."""
    return await _provider(request, parts).begin(request, _inside(next_page))


@router.get(CALLBACK)
async def callback(request: Request, parts: Parts) -> Response:
    """Back from the identity provider."""
    provider = _provider(request, parts)
    try:
        claimed = await provider.finish(request)
        user_id = await _recognise(parts, claimed)
    except Unauthenticated:
        return _see("/sign-in?failed=1")
    response = await _welcome(request, parts, user_id, claimed.next)
    provider.forget(response)
    return response


def _provider(request: Request, parts: Services) -> Provider:
    if parts.settings.oidc_issuer is None:
        raise NotFound("No identity provider is configured.")
    state = request.app.state
    if not hasattr(state, "oidc"):
        state.oidc = Provider(parts.settings)
    found: Provider = state.oidc
    return found


async def _recognise(parts: Services, claimed: Claimed) -> UUID:
    """Our user: by id where the provider gives it, else by the one living user of the address.

    A subject may be a name of the user's own choice, so it is never taken for an address.
    """
    async with parts.database.engine_room() as connection:
        with suppress(ValueError):
            if await people.find_anywhere(connection, subject := UUID(claimed.subject)):
                return subject
        found = await people.living_ids(connection, claimed.email) if claimed.email else []
        if len(found) == 1:
            return found[0]
    logger.warning("sign_in.unknown")
    raise Unauthenticated("You are not known here.")


async def _welcome(request: Request, parts: Services, user_id: UUID, next_page: str) -> Response:
    async with parts.database.engine_room() as connection:
        if await people.find_anywhere(connection, user_id) is None:
            raise NotFound("There is no such user, or they are no longer active.")
    response = _see(next_page)
    browser_session.give_cookie(response, parts.settings, user_id)
    return response


@router.post("/sign-out")
async def sign_out(request: Request, parts: Parts) -> Response:
    """Forgets who uses this browser."""
    browser_session.check_origin(request, parts.settings)
    response = _see("/sign-in")
    browser_session.take_cookie(response, parts.settings)
    return response
