"""What SCIM answers beside its endpoints: no such path, no such method, a path that ends with a
slash. An identity provider reads SCIM's errors alone.
"""

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.problems import headers_of, problem
from api.scim.protocol import ERROR, ScimResponse, refusal
from handoff.errors import HandoffError

PREFIX = "/scim/"
_DETAILS = {
    404: "There is no such resource.",
    405: "This method is not allowed here.",
}


def say(scope: Scope, error: HandoffError) -> Response:
    """One of our errors, in the words of those who ask below SCIM's path, and of everybody else."""
    return refusal(error) if scope["path"].startswith(PREFIX) else problem(error)


def install(app: FastAPI) -> None:
    """After the problems of everybody else, whose answers stay as they are."""
    others = app.exception_handlers[HTTPException]

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        if not request.url.path.startswith(PREFIX):
            answer: Response = await others(request, error)  # type: ignore[misc]
            return answer
        detail = _DETAILS.get(error.status_code, str(error.detail))
        body = {"schemas": [ERROR], "status": str(error.status_code), "detail": detail}
        return ScimResponse(body, error.status_code, headers_of(request, error))


class Slashes:
    """`/scim/v2/Users/` is `/scim/v2/Users`: some providers end every path with a slash."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Takes one slash off, below SCIM's own path alone."""
        path: str = scope.get("path", "")
        if scope["type"] == "http" and path.startswith(PREFIX) and path.endswith("/"):
            raw = scope.get("raw_path")
            scope = {**scope, "path": path[:-1], "raw_path": raw and raw.removesuffix(b"/")}
        await self._app(scope, receive, send)
