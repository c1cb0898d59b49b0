"""Browsers: the signed session cookie, and the Origin that every change by it must bear.

The cookie proves a user's id and nothing else; role, account and active state come from the
database at every request. How somebody signs in lives in `console/`, bearer tokens in `tokens.py`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit
from uuid import UUID

import jwt
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handoff.addresses import web_origin
from handoff.errors import ConfigurationError, Forbidden, Unauthenticated
from handoff.keys import key_for
from handoff.settings import Settings

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_ALGORITHM = "HS256"
_USED = "browser_session"
"""The request's state says by this name that the cookie was believed, so it may be renewed."""

TRUSTED = "trusted_origin"
"""The request's state names by this another page that may ask for this in a browser's name."""


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """Who signed in, when, and until when the cookie is good."""

    user_id: UUID
    since: datetime
    until: datetime


def signing_key(settings: Settings, purpose: str) -> bytes:
    """The key for one purpose of the browser's.

    Raises:
        ConfigurationError: there is no secret to make it from.
    """
    key = key_for(settings, purpose)
    if key is None:
        raise ConfigurationError("HANDOFF_AUTH_SECRET: must be set; it signs the browser's cookie")
    return key


def cookie_name(settings: Settings) -> str:
    """With https the browser itself sees to it that no other host can plant the cookie."""
    return "__Host-handoff" if is_secure(settings) else "handoff"


def is_secure(settings: Settings) -> bool:
    """Whether people reach us by https."""
    return settings.public_url.startswith("https:")


def proven(request: HTTPConnection, settings: Settings) -> BrowserSession:
    """Who is signed in in this browser, and since when.

    Raises:
        Unauthenticated: nobody is, or not any more.
        Forbidden: the request would change something and does not come from our own page.
    """
    session = read(request, settings)
    if session is None:
        raise Unauthenticated("Sign in, or send a bearer token.")
    # A page of somebody else's can open a WebSocket to us, and the browser sends the cookie along.
    if request.scope["type"] == "websocket" or request.scope["method"] not in SAFE_METHODS:
        check_origin(request, settings)
    request.scope.setdefault("state", {})[_USED] = session
    return session


def check_origin(request: HTTPConnection, settings: Settings) -> None:
    """Only our own pages may change anything in a browser's name."""
    origin = _origin_of(request)
    # Where neither header tells, this one does; no script of anybody's can set it.
    if origin is None and request.headers.get("sec-fetch-site") == "same-origin":
        return
    trusted = getattr(request.state, TRUSTED, None)
    if origin is None or not (
        origin in (settings.public_url, trusted) or _is_asked_for(origin, request, settings)
    ):
        raise Forbidden("This request does not come from a page of Handoff.")


def _origin_of(request: HTTPConnection) -> str | None:
    """The page's origin. Browsers that send no `Origin` with a form of one's own say it there."""
    said = request.headers.get("origin", "null")
    if said == "null":
        said = request.headers.get("referer", "")
    try:
        return web_origin(said)
    except ValueError:
        return None


def _is_asked_for(origin: str, request: HTTPConnection, settings: Settings) -> bool:
    """Whether it is the host that was asked, by whichever of its names. A proxy may have taken the
    TLS off; what came without it is ours only where people reach us so."""
    scheme = urlsplit(origin).scheme
    if scheme == "http" and is_secure(settings):
        return False
    try:
        return origin == web_origin(f"{scheme}://{request.headers.get('host', '')}")
    except ValueError:
        return False


def read(request: HTTPConnection, settings: Settings) -> BrowserSession | None:
    """The session in the request's cookie, if there is a good one."""
    cookie = request.cookies.get(cookie_name(settings))
    if not cookie or settings.auth_secret is None:
        return None
    try:
        claims = jwt.decode(
            cookie,
            signing_key(settings, "browser session"),
            algorithms=[_ALGORITHM],
            # When they signed in is PostgreSQL's time, which may be ahead of ours.
            options={"require": ["sub", "iat", "exp"], "verify_iat": False},
        )
        user_id = UUID(claims["sub"])
    except (jwt.PyJWTError, ValueError):
        return None
    since, until = (datetime.fromtimestamp(claims[name], UTC) for name in ("iat", "exp"))
    return BrowserSession(user_id, since, until)


def give_cookie(response: Response, settings: Settings, user_id: UUID, *, at: datetime) -> None:
    """Gives the browser its cookie. `at` is PostgreSQL's time, because it is compared with the
    moment at which somebody's sign-in was ended.
    """
    session = BrowserSession(user_id, since=at, until=at + settings.session_lifetime)
    response.headers.append("set-cookie", _cookie(settings, session))


def take_cookie(response: Response, settings: Settings) -> None:
    """Takes the cookie away."""
    name, secure = cookie_name(settings), is_secure(settings)
    response.delete_cookie(name, secure=secure, httponly=True, samesite="lax")


def _cookie(settings: Settings, session: BrowserSession) -> str:
    # To the microsecond: a sign-in that ended just before, or just after, is told apart.
    since = session.since.timestamp()
    claims = {"sub": str(session.user_id), "iat": since, "exp": session.until}
    value = jwt.encode(claims, signing_key(settings, "browser session"), algorithm=_ALGORITHM)
    left = int((session.until - datetime.now(UTC)).total_seconds())
    written = Response()
    written.set_cookie(
        cookie_name(settings),
        value,
        left,
        secure=is_secure(settings),
        httponly=True,
        samesite="lax",
    )
    return written.headers["set-cookie"]


class RenewSession:
    """Renews the cookie while its user is at work, up to a maximum since they signed in."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Looks at what the request was answered with the help of."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})

        async def renewing(message: Message) -> None:
            session: BrowserSession | None = state.get(_USED)
            if message["type"] == "http.response.start" and session is not None:
                self._renew(session, MutableHeaders(scope=message))
            await send(message)

        await self._app(scope, receive, renewing)

    def _renew(self, session: BrowserSession, headers: MutableHeaders) -> None:
        lifetime = self._settings.session_lifetime
        now = datetime.now(UTC)
        until = min(now + lifetime, session.since + self._settings.session_maximum)
        if until - session.until > lifetime / 10:
            renewed = BrowserSession(session.user_id, session.since, until)
            headers.append("set-cookie", _cookie(self._settings, renewed))
