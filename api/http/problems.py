"""Errors as RFC 9457 problems: one renderer for all of them. Nothing of the inside leaks."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match, Mount
from starlette.types import Scope

from api.http.json_bodies import is_json
from api.http.security_headers import protect
from handoff.database import outages
from handoff.errors import (
    HandoffError,
    Invalid,
    OutcomeUnknown,
    TooMany,
    Unreachable,
    UnsupportedMedia,
)
from handoff.wire import jsonable

logger = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"

MOST_FAULTS = 50
"""That are named. A body has room for thousands, and an answer must not be larger than it."""

RETRY_AFTER = {503: "2"}
"""Seconds after which a request that failed on our side is worth another try."""

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

Saying = Callable[[Scope, HandoffError], Response]
"""Puts one of our errors into the words of whoever has sent the request."""

_HTTP_TITLES = {
    400: ("/problems/bad-request", "The request cannot be read"),
    404: ("/problems/not-found", "There is no such thing"),
    405: ("/problems/method-not-allowed", "This method is not allowed here"),
}


def problem(error: HandoffError, **headers: str) -> Response:
    """The answer to one of our own errors."""
    if wait := retry_after(error):
        headers["Retry-After"] = wait
    if isinstance(error, TooMany) and "limit" in error.facts:
        headers |= _rate_limit(error.facts["limit"], headers["Retry-After"])
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    response = JSONResponse(document_of(error), error.status, headers, media_type=MEDIA_TYPE)
    # Here too, because the answer to a bug of ours is sent from outside of every middleware.
    protect(response.headers)
    return response


def document_of(error: HandoffError) -> dict[str, Any]:
    """The same as JSON, without the headers."""
    return {
        "type": error.type,
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        **jsonable(error.facts),
    }


def retry_after(error: HandoffError) -> str | None:
    """Whole seconds after which it is worth another try."""
    wait = error.facts.get("retry_after", RETRY_AFTER.get(error.status))
    return None if wait is None else str(max(1, math.ceil(float(wait))))


def _rate_limit(limit: dict[str, Any], wait: str) -> dict[str, str]:
    """The header fields of the IETF's draft on rate limits."""
    name = limit["name"]
    # What is held at the same time has no window.
    window = f";w={limit['seconds']}" if "seconds" in limit else ""
    return {
        "RateLimit-Policy": f'"{name}";q={limit["amount"]}{window}',
        "RateLimit": f'"{name}";r=0;t={wait}',
    }


def refused_input(request: Request, fault: RequestValidationError) -> HandoffError:
    """Why the input cannot be taken: by its kind as a whole, or by its faults."""
    content_type = request.headers.get("content-type", "")
    unread = any(
        tuple(error["loc"]) == ("body",) and error["type"] != "missing" for error in fault.errors()
    )
    if unread and not is_json(content_type):
        return UnsupportedMedia("Send JSON, with Content-Type: application/json.")
    return _invalid(fault.errors())


def _invalid(errors: Sequence[Any]) -> Invalid:
    """What is wrong, by path. The input itself is never echoed."""
    faults = [
        {
            "path": "/".join(_clean(part) for part in error["loc"]),
            "message": _clean(error["msg"].removeprefix("Value error, ")),
            "type": error["type"],
        }
        for error in errors[:MOST_FAULTS]
    ]
    return Invalid(f"Mend {faults[0]['path'] or 'the body'} and send it again.", errors=faults)


def _clean(part: object) -> str:
    """A name that a client chose may hold anything, lone surrogates included."""
    return str(part)[:100].encode("utf-8", "backslashreplace").decode()


def install(app: FastAPI, *, say: Saying) -> None:
    """Registers the renderer for every kind of error: `say` puts ours into words."""

    @app.exception_handler(HandoffError)
    async def _ours(request: Request, error: HandoffError) -> Response:
        if isinstance(error, OutcomeUnknown) and request.method in ("GET", "HEAD"):
            error = _away()  # Who only reads has done nothing.
        return say(request.scope, error)

    @app.exception_handler(RequestValidationError)
    async def _input(request: Request, error: RequestValidationError) -> Response:
        return say(request.scope, refused_input(request, error))

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        kind, title = _HTTP_TITLES.get(error.status_code, ("/problems/refused", str(error.detail)))
        body = {"type": kind, "title": title, "status": error.status_code, "detail": title}
        headers = headers_of(request, error)
        return JSONResponse(body, error.status_code, headers, media_type=MEDIA_TYPE)

    async def _unforeseen(request: Request, error: Exception) -> Response:
        return say(request.scope, foreseen(request, error))

    for kind in (*outages.MAYBE, Exception):
        app.exception_handler(kind)(_unforeseen)


def headers_of(request: Request, error: HTTPException) -> dict[str, str]:
    """The error's own; and all the methods that there are, of which the router names those of one
    route alone."""
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(methods(request)) or "GET, HEAD"
    return headers


def methods(request: Request) -> list[str]:
    """What may be done at this path. Below a mount there are files alone, which are read."""
    routes = [one for one in request.app.router.routes if not isinstance(one, Mount)]
    return [
        method
        for method in METHODS
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes
        )
    ]


def foreseen(request: Request, error: Exception) -> HandoffError:
    """What is said of a fault that nobody raised on purpose. It is logged, too."""
    if outages.is_outage(error):
        logger.error("database.unreachable", cause=outages.cause(error))
        return _away()
    logger.error("request.failed", path=request.url.path, exc_info=error)
    return HandoffError("It has been logged. Try again; if it stays, tell us.")


def _away() -> Unreachable:
    return Unreachable("The record does not answer. Nothing was changed; try again.")
