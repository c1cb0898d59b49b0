"""Errors on pages: whoever is not signed in is asked to, and everything else is said in a page."""

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import quote

import structlog
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from api.console.rendering import page
from handoff.errors import HandoffError, NotFound, Unauthenticated, Unreachable

logger = structlog.get_logger(__name__)


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
                return _said(request, error)
            except RequestValidationError:
                return _said(request, NotFound("There is no such page."))
            except (OperationalError, InterfaceError, PoolTimeout, OSError) as fault:
                logger.error("page.unreachable", cause=type(fault).__name__)
                return _said(request, Unreachable("The record does not answer. Try again soon."))

        return handle


def _to_sign_in(request: Request) -> Response:
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(
        f"/sign-in?next={quote(wanted, safe='')}", 303, {"Cache-Control": "no-store"}
    )


def _said(request: Request, error: HandoffError) -> Response:
    return page(request, "error.html", {"error": error}, status=error.status)
