"""An embedded stack answers to this machine's own names alone.

Its console signs in as anybody. A web page whose name leads to this machine is of the same origin
as what answers it there, so what answers must know its name.
"""

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.problems import Saying
from handoff.errors import Forbidden
from handoff.settings import Settings

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class LocalNames:
    """Refuses every request that calls us by another name."""

    def __init__(self, app: ASGIApp, settings: Settings, say: Saying) -> None:
        self._app = app
        self._say = say
        self._names = LOOPBACK | {urlsplit(settings.public_url).hostname}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """By the `Host` header; WebSockets, too."""
        if scope["type"] == "lifespan" or _name(scope) in self._names:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            refusal = Forbidden("Open the console by the address that `handoff up` has printed.")
            await self._say(scope, refusal)(scope, receive, send)


def _name(scope: Scope) -> str | None:
    try:
        return HTTPConnection(scope).url.hostname
    except ValueError:
        return None
