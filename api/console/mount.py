"""Puts the console into the application: its pages, what they load, the session's renewal."""

from fastapi import FastAPI

from api.console.analytics import page as analytics
from api.console.assets import Assets
from api.console.handoff import page as handoff_page
from api.console.new import page as new
from api.console.queue import page as queue
from api.console.reference import page as reference
from api.console.search import page as search
from api.console.settings import page as first_setting
from api.console.settings.account import page as account
from api.console.settings.chat import page as chat
from api.console.settings.notifications import page as notifications
from api.console.settings.people import page as people
from api.console.settings.policy import page as policy
from api.console.settings.programs import page as programs
from api.console.settings.webhooks import page as webhooks
from api.console.shared import routing
from api.console.shared.live import pulse
from api.console.shared.rendering import CONSOLE
from api.console.sign_in import page as sign_in
from api.identity.browser_session import RenewSession
from handoff.settings import Settings

PAGES = (
    sign_in,
    queue,
    search,
    handoff_page,
    new,
    first_setting,
    notifications,
    programs,
    policy,
    people,
    account,
    chat,
    webhooks,
    analytics,
    reference,
)
PIECES = (queue, search, handoff_page, analytics, pulse)
"""What modules read again when it rings."""


def install(app: FastAPI, settings: Settings) -> None:
    """The console under `/`, beside the API."""
    for page in PAGES:
        app.include_router(page.router)
    for piece in PIECES:
        app.include_router(piece.pieces)
    routing.install(app)
    app.mount("/static", Assets(directory=CONSOLE), name="static")
    app.add_middleware(RenewSession, settings=settings)
