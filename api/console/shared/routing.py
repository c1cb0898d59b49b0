"""Errors on pages: whoever is not signed in is asked to, and everything else is said in a page."""

import re
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import quote

import structlog
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from api.console.shared.rendering import page
from api.identity import browser_session
from api.identity.callers import identify, services
from handoff.contract.people import Actor
from handoff.database import outages
from handoff.errors import HandoffError, NotFound, Unauthenticated, Unreachable

logger = structlog.get_logger(__name__)

NOWHERE = NotFound("Nothing is at this address.")


class PageRoute(APIRoute):
    """An endpoint that a person opens in a browser."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wraps the endpoint: people read sentences, not problem documents."""
        endpoint = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await endpoint(request)
            except Unauthenticated:
                return _to_sign_in(request)
            except HandoffError as error:
                return await _said(request, error)
            except RequestValidationError:
                return await _said(request, NOWHERE)
            except outages.MAYBE as fault:
                if not outages.is_outage(fault):
                    raise
                logger.error("page.unreachable", cause=outages.cause(fault))
                return await _said(
                    request, Unreachable("The record does not answer. Try again soon.")
                )

        return handle


def page_router() -> APIRouter:
    """For a page's route."""
    return APIRouter(route_class=PageRoute, include_in_schema=False)


def piece_router() -> APIRouter:
    """For what our own modules read: what goes wrong is a problem document, as in all the API."""
    return APIRouter(prefix="/console", include_in_schema=False)


def _to_sign_in(request: Request) -> Response:
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(
        f"/sign-in?next={quote(wanted, safe='')}", 303, {"Cache-Control": "no-store"}
    )


async def _said(request: Request, error: HandoffError, status: int | None = None) -> Response:
    me = None if isinstance(error, Unreachable) else await reader(request)
    return page(
        request, "shared/frame/error.html", {"error": error}, me=me, status=status or error.status
    )


async def reader(request: Request) -> Actor | None:
    """Who is signed in, for pages that everybody may see. Says nobody rather than failing."""
    parts = services(request)
    if browser_session.read(request, parts.settings) is None:
        return None
    try:
        return await identify(request, parts, None)
    except (HandoffError, *outages.MAYBE):
        return None


def install(app: FastAPI) -> None:
    """An address that leads nowhere: a page for browsers, and for programs what they had before."""
    for_programs = app.exception_handlers[HTTPException]

    @app.exception_handler(HTTPException)
    async def handle(request: Request, error: HTTPException) -> Response:
        if error.status_code in (404, 405) and _wants_page(request):
            return await _said(request, NOWHERE, error.status_code)
        answer: Response = await for_programs(request, error)  # type: ignore[misc]
        return answer


def _wants_page(request: Request) -> bool:
    """A browser, outside of the API."""
    prefers = _quality(request, "text/html") > _quality(request, "application/json")
    return prefers and request.url.path.split("/")[1] not in _rooms(request.app)


def _quality(request: Request, kind: str) -> float:
    """How much a client wants this kind of answer; what stands for any kind counts for none."""
    for part in request.headers.get("accept", "").split(","):
        name, _, rest = part.strip().partition(";")
        if name.strip().lower() == kind:
            weight = rest.strip().removeprefix("q=")
            return float(weight) if re.fullmatch(r"[01](\.\d{1,3})?", weight) else 1.0
    return 0.0


def _rooms(app: FastAPI) -> set[str]:
    """The first parts of the API's paths."""
    return {path.split("/")[1] for path in app.openapi()["paths"]} - {"c"}
