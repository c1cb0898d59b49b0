"""What every answer tells a browser: guess nothing, keep nothing, tell nobody where you were.

Answers that know better (the console's pages and assets) say so themselves and are left alone.
"""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # Nearly every answer is about people of one account.
    "Cache-Control": "no-store",
    # No other site may embed an answer, in a frame or as a resource.
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}

FOR_DATA = {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"}
"""For what is no page: were it ever shown as one, it could do nothing."""


def protect(headers: MutableHeaders) -> None:
    """Adds what the answer does not say itself."""
    for name, value in ALWAYS.items():
        headers.setdefault(name, value)
    if "json" in headers.get("content-type", ""):
        for name, value in FOR_DATA.items():
            headers.setdefault(name, value)


class SecurityHeaders:
    """Adds them to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Looks at the start of the answer only, so streams flow on."""

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                message.setdefault("headers", [])
                protect(MutableHeaders(scope=message))
            await send(message)

        await self._app(scope, receive, protected if scope["type"] == "http" else send)
