"""The page and the small JSON API over the caught mail. Loopback only; one script, on the list.

The list's script asks whether newer mail has come, and does nothing else. A mail is hostile until
proven otherwise: its text is escaped, its HTML is shown in a sandboxed frame that may run, load and
submit nothing, and no other web page can read any of it.
"""

import textwrap
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.templating import Jinja2Templates

from handoff.stack.mail.message import CaughtMail
from handoff.stack.mail.store import MailStore

_HERE = Path(__file__).parent
_templates = Jinja2Templates(_HERE / "templates")
_SHOWN = 200
_LINE, _LINE_HEIGHT, _AROUND = 40, 26, 160
"""How a letter's text fills the frame on a phone: characters a line, pixels, pixels around."""

_COMMON = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_PAGE = _COMMON | {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}
_LIST = _COMMON | {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}
_MAIL = _COMMON | {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'; "
    # A link opens in a tab of its own, free of the sandbox, or the page behind it would not work.
    "sandbox allow-popups allow-popups-to-escape-sandbox",
}


def make_app(store: MailStore) -> Starlette:
    app = Starlette(
        routes=[
            Route("/", _list),
            Route("/style.css", _asset),
            Route("/list.js", _asset),
            Route("/messages/{name}", _show),
            Route("/messages/{name}/html", _show_html),
            Route("/messages/{name}/raw", _show_raw),
            Route("/api/messages", _api_list, methods=["GET"]),
            Route("/api/messages", _api_clear, methods=["DELETE"]),
            Route("/api/messages/{name}", _api_one),
        ],
        # A page elsewhere that makes its own name point at this machine is turned away.
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])],
    )
    app.state.store = store
    return app


async def _list(request: Request) -> Response:
    store = _store(request)
    names = store.ids()
    messages = [store.message(name) for name in reversed(names[-_SHOWN:])]
    return _templates.TemplateResponse(
        request, "list.html", {"messages": messages, "total": len(names)}, headers=_LIST
    )


async def _show(request: Request) -> Response:
    message = _message(request)
    return _templates.TemplateResponse(
        request, "message.html", {"message": message, "height": _height(message)}, headers=_PAGE
    )


def _height(message: CaughtMail) -> int:
    """Pixels for the frame. It is sandboxed, so nothing can measure what it shows: by its text."""
    wrapped = textwrap.TextWrapper(_LINE, break_long_words=False, break_on_hyphens=False)
    lines = sum(len(wrapped.wrap(line)) or 1 for line in (message.text or "").splitlines())
    return min(_AROUND + _LINE_HEIGHT * max(lines, 12), 6_000)


async def _show_html(request: Request) -> Response:
    html = _message(request).html
    if html is None:
        raise HTTPException(404)
    # So that links leave the frame, which may show nothing but this.
    return Response('<base target="_blank">' + html, media_type="text/html", headers=_MAIL)


async def _show_raw(request: Request) -> Response:
    raw = _store(request).raw(request.path_params["name"])
    if raw is None:
        raise HTTPException(404)
    return Response(raw, media_type="text/plain", headers=_MAIL)


async def _asset(request: Request) -> Response:
    return FileResponse(_HERE / "templates" / request.url.path.strip("/"), headers=_COMMON)


async def _api_list(request: Request) -> Response:
    """`?after=<id>` leaves out what the caller has seen."""
    store = _store(request)
    messages = [
        store.message(name) for name in store.ids(after=request.query_params.get("after", ""))
    ]
    return JSONResponse([message.as_json() for message in messages if message], headers=_COMMON)


async def _api_one(request: Request) -> Response:
    return JSONResponse(_message(request).as_json(), headers=_COMMON)


async def _api_clear(request: Request) -> Response:
    _store(request).clear()
    return Response(status_code=204)


def _store(request: Request) -> MailStore:
    store: MailStore = request.app.state.store
    return store


def _message(request: Request) -> CaughtMail:
    message = _store(request).message(request.path_params["name"])
    if message is None:
        raise HTTPException(404)
    return message
