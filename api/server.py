"""Uvicorn, taught to say goodbye to open streams before it waits for them."""

from types import FrameType

import uvicorn
from fastapi import FastAPI

from api.services import Services

DRAIN = 5
"""Seconds that requests under way have once a stop was asked for."""

HEADER_BYTES = 32 * 1024
KEEP_ALIVE = 30


class Server(uvicorn.Server):
    """Open streams would hold a shutdown until its timeout: they are told to end first."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Asked to stop, by a signal."""
        app = self.config.app
        services: Services | None = getattr(getattr(app, "state", None), "services", None)
        if services is not None:
            services.hub.drain()
        super().handle_exit(sig, frame)


def make_server(app: FastAPI, *, host: str, port: int) -> Server:
    """A server for `app`; `run` or `serve` it."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=DRAIN,
        timeout_keep_alive=KEEP_ALIVE,
        h11_max_incomplete_event_size=HEADER_BYTES,
        ws_max_size=64 * 1024,
    )
    return Server(config)
