"""`/settings`: leads to the first of them. Each setting is a page of its own, beside this file."""

from fastapi import Response
from fastapi.responses import RedirectResponse

from api.console.shared.routing import page_router

router = page_router()


@router.get("/settings")
async def settings_page() -> Response:
    """The first of the settings, which everybody has."""
    return RedirectResponse("/settings/notifications", 303)
