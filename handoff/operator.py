"""The operator's address: what a process tells of itself in numbers and ids, to whoever runs it.

An address of its own, loopback by default, because nobody is asked who they are there. It only
tells: nothing can be done by it.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from urllib.parse import urlsplit

import structlog
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from handoff.addresses import Listen, is_loopback
from handoff.errors import ConfigurationError
from handoff.serving import SleepingServer

logger = structlog.get_logger(__name__)

NEIGHBOURS = 50
"""Ports that are tried after the one that is wanted: API and worker may share a machine."""

Answers = Mapping[str, Callable[[], Awaitable[Response]]]
"""By path."""


@contextlib.asynccontextmanager
async def serving(answers: Answers, listen: Listen) -> AsyncIterator[str]:
    """Answers there meanwhile; the address as a URL.

    Raises:
        ConfigurationError: nobody can listen there.
    """
    bound = _bound(listen)
    host, port = bound.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    app = _app(answers, local=listen.is_loopback)
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, lifespan="off", ws="none"
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[bound]))
    logger.info("operator.listening", url=url)
    try:
        yield url
    finally:
        server.stop()
        await serving


class _Server(SleepingServer):
    """Signals are the business of the process whose guest this is."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _bound(listen: Listen) -> socket.socket:
    ports = range(listen.port, min(listen.port + NEIGHBOURS, 65536)) if listen.port else (0,)
    fault: OSError | None = None
    for port in ports:
        try:
            found = socket.getaddrinfo(listen.host, port, type=socket.SOCK_STREAM)[0]
            return socket.create_server(found[4][:2], family=found[0], backlog=64)
        except OSError as one:
            fault = one
    raise ConfigurationError(f"HANDOFF_OPERATOR_LISTEN: nobody can listen there: {fault}")


def _app(answers: Answers, *, local: bool) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        answer = await _answer(Request(scope), answers, local=local)
        await answer(scope, receive, send)

    return app


async def _answer(request: Request, answers: Answers, *, local: bool) -> Response:
    # A web page whose name leads to this machine must not read what is said here.
    if local and not is_loopback(urlsplit(f"//{request.headers.get('host', '')}").hostname):
        return PlainTextResponse("Ask by an address of this machine.\n", 403)
    if request.method not in ("GET", "HEAD"):
        return PlainTextResponse("Only GET.\n", 405, {"Allow": "GET, HEAD"})
    found = answers.get(request.url.path)
    if found is None:
        return PlainTextResponse(f"There is {', '.join(answers)}.\n", 404)
    return await found()
