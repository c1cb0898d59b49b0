"""Bounds on what a request may bring, enforced while it is read."""

import json

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem
from handoff.errors import Invalid, TooLarge

BODY_BYTES = 64 * 1024


class BodyLimit:
    """Reads at most 64 KiB of body, whatever the Content-Length claims; more is 413."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Requests without a body pass through untouched."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        body = await _read(scope, receive)
        if body is None:
            refused = problem(TooLarge(f"The body may have {BODY_BYTES} bytes at most."))
            await refused(scope, receive, send)
        elif _nests_too_deep(body):
            refused = problem(Invalid("The body is nested too deep.", errors=[]))
            await refused(scope, receive, send)
        else:
            await self._app(scope, _replay(body, receive), send)


async def _read(scope: Scope, receive: Receive) -> bytes | None:
    declared = dict(scope["headers"]).get(b"content-length", b"0")
    if declared.isdigit() and int(declared) > BODY_BYTES:
        return None
    chunks, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            break
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > BODY_BYTES:
            return None
        chunks.append(chunk)
        if not message.get("more_body"):
            break
    return b"".join(chunks)


def _nests_too_deep(body: bytes) -> bool:
    """Python's JSON reader recurses; a body of brackets must not exhaust its stack."""
    if body.count(b"[") + body.count(b"{") < 200:
        return False
    try:
        json.loads(body)
    except RecursionError:
        return True
    except ValueError:
        return False
    return False


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
