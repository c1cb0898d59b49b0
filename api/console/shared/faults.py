"""What goes wrong, as a page, for whoever opens an address of the console in a browser.

A page never shows a problem document; what passes is tried again by the page itself.
"""

import re

from fastapi import FastAPI, Request, Response
from starlette.types import Scope

from api.console.shared.rendering import IN_OUR_FRAME, page
from api.http.problems import methods, retry_after
from api.scim import outside
from handoff.contract.people import Actor
from handoff.errors import HandoffError

PASSING = (429, 503)
"""Statuses of what is over after a while."""


def say(scope: Scope, error: HandoffError) -> Response:
    """One of our errors: a page for browsers, a document for programs."""
    request = Request(scope)
    return error_page(request, error) if wants_page(request) else outside.say(scope, error)


def error_page(
    request: Request, error: HandoffError, *, me: Actor | None = None, status: int | None = None
) -> Response:
    """A sentence, and the way on. What passes bears `Retry-After`, and the page looks again.

    Beside the list it stands in the frame that asked for it, with no header, and leaves the list
    its keys.
    """
    status = status or error.status
    beside = is_beside(request)
    seconds = retry_after(error)
    content = {
        "error": error,
        # What was sent is not sent again; nor is there a page wherever something can be sent to.
        "again": _address(request) if "GET" in methods(request) else "/",
        "seconds": int(seconds or 5) if status in PASSING else None,
        "may_pass": status >= 500 or status in PASSING,
        "beside": beside,
    }
    headers = {"Retry-After": seconds} if seconds else {}
    if beside:
        me, headers = None, headers | IN_OUR_FRAME
    return page(request, "shared/frame/error.html", content, me=me, status=status, headers=headers)


def is_beside(request: Request) -> bool:
    """Whether the queue's frame asks, which shows a handoff beside the list."""
    return request.query_params.get("beside") == "true"


def _address(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def prefers(request: Request, kind: str, other: str) -> bool:
    """Whether this kind of answer is wanted rather than the other."""
    return _quality(request, kind) > _quality(request, other)


def wants_page(request: Request) -> bool:
    """A browser, outside of the API."""
    is_browser = prefers(request, "text/html", "application/json")
    return is_browser and request.url.path.split("/")[1] not in _rooms(request.app)


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
