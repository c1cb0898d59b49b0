"""Errors on pages: whoever is not signed in is asked to, and everything else is said in a page."""

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import quote

import structlog
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from api.console.shared.faults import error_page, is_beside, prefers, wants_page
from api.http.problems import headers_of
from api.identity import browser_session
from api.identity.callers import identify, services
from handoff.contract.people import Actor
from handoff.database import outages
from handoff.errors import HandoffError, NotFound, Unauthenticated, Unreachable

logger = structlog.get_logger(__name__)

NOWHERE = NotFound("Nothing is at this address.")
UNREADABLE = HandoffError("The request cannot be read.")


class PageRoute(APIRoute):
    """An endpoint that a person opens in a browser."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wraps the endpoint: people read sentences, not problem documents."""
        endpoint = super().get_route_handler()

        async def handle(request: Request) -> Response:
            if prefers(request, "application/json", "text/html"):
                return await endpoint(request)
            try:
                return await endpoint(request)
            except Unauthenticated as error:
                # Where to sign in is shown in nobody's frame: a page in it leads all of them there.
                return error_page(request, error) if is_beside(request) else _to_sign_in(request)
            except HandoffError as error:
                return await _said(request, error)
            except RequestValidationError:
                return await _said(request, NOWHERE)
            except outages.MAYBE as fault:
                if not outages.is_outage(fault):
                    raise
                logger.error("page.unreachable", cause=outages.cause(fault))
                return await _said(
                    request,
                    Unreachable("The database does not answer. What was recorded stays recorded."),
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
    return error_page(request, error, me=me, status=status)


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
    """An address that leads nowhere: a page for browsers; programs get what they had before."""
    for_programs = app.exception_handlers[HTTPException]

    @app.exception_handler(HTTPException)
    async def handle(request: Request, error: HTTPException) -> Response:
        if wants_page(request):
            fault = NOWHERE if error.status_code in (404, 405) else UNREADABLE
            answer = await _said(request, fault, error.status_code)
            answer.headers.update(headers_of(request, error))
            return answer
        answered: Response = await for_programs(request, error)  # type: ignore[misc]
        return answered
