"""Puts the console into the application: its pages, its static files, the session's renewal."""

from pathlib import Path

from fastapi import FastAPI
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from api.console import more_pages, pages, reference, routing, sign_in
from api.identity.browser_session import RenewSession
from handoff.settings import Settings

STATIC = Path(__file__).parent / "static"
_KEEP = "public, max-age=60"


class _Files(StaticFiles):
    """Our own modules and styles: a minute old at most, then asked for by their ETag."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = _KEEP
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def install(app: FastAPI, settings: Settings) -> None:
    """The console under `/`, beside the API."""
    app.include_router(sign_in.router)
    app.include_router(pages.router)
    app.include_router(pages.pieces)
    app.include_router(more_pages.router)
    app.include_router(reference.router)
    routing.install(app)
    app.mount("/static", _Files(directory=STATIC), name="static")
    app.add_middleware(RenewSession, settings=settings)
