"""How the reader wants to be told. The module beside it fills the form in and saves it."""

from fastapi import Request, Response

from api.console.shared.framed import framed
from api.console.shared.routing import page_router
from api.identity.callers import Caller, Parts

router = page_router()


@router.get("/settings/notifications")
async def notifications_page(request: Request, me: Caller, parts: Parts) -> Response:
    """The reader's own choices."""
    return await framed(request, "settings/notifications/page.html", me, parts)
