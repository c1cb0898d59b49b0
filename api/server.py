"""Uvicorn, taught to say goodbye to open streams before it waits for them."""

import asyncio
import resource
import socket
from contextlib import suppress

import uvicorn
from fastapi import FastAPI

from api.http.connections import HttpConnection, SocketConnection
from api.services import Services
from handoff.serving import SleepingServer

DRAIN = 5
"""Seconds that requests under way have once a stop was asked for."""

GOODBYE = 1.5
"""Seconds that open streams have to say goodbye; readers that leave theirs full are cut off."""

FRAME_BYTES = 8 * 1024
KEEP_ALIVE = 30
PING_EVERY = 20.0

OPEN_FILES = 65_536
"""Each stream is one; where the system's usual limit is lower, a few hundred would be the end."""


class Server(SleepingServer):
    """Open streams would hold a shutdown until its timeout: they are told to end first."""

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serves until it is told to stop."""
        _allow_open_files()
        super().run(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Asked to stop: goodbyes first, then everything else in order."""
        app = self.config.app
        services: Services | None = getattr(getattr(app, "state", None), "services", None)
        if services is not None:
            await services.hub.say_goodbye(within=GOODBYE)
        asyncio.get_running_loop().call_later(GOODBYE, self._cut_off)
        await super().shutdown(sockets)
        # Else uvicorn sends itself the signal again, and a clean stop looks like a failure.
        self._captured_signals.clear()

    def _cut_off(self) -> None:
        """Whoever does not read what was said last is not waited for any longer."""
        for connection in list(self.server_state.connections):
            transport = connection.transport
            if transport.is_closing() and transport.get_write_buffer_size():
                transport.abort()


def make_server(app: FastAPI, *, host: str, port: int) -> Server:
    """A server for `app`; `run` or `serve` it."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=HttpConnection,
        ws=SocketConnection,
        log_config=None,
        access_log=False,
        server_header=False,
        # What it says of the client could be said by anybody who reaches us without a proxy.
        proxy_headers=False,
        timeout_graceful_shutdown=DRAIN,
        timeout_keep_alive=KEEP_ALIVE,
        ws_max_size=FRAME_BYTES,
        ws_ping_interval=PING_EVERY,
        ws_ping_timeout=PING_EVERY,
        # Compressing each event for each reader costs more than it saves.
        ws_per_message_deflate=False,
    )
    return Server(config)


def _allow_open_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
