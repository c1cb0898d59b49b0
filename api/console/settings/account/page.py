"""The account's name, how much of a handoff leaves by which channel, and where callbacks may go.
The module beside it fills the page in and saves it."""

from fastapi import Request, Response

from api.console.shared.framed import framed
from api.console.shared.routing import page_router
from api.identity.callers import LeadingCaller, Parts

router = page_router()


@router.get("/settings/account")
async def account_page(request: Request, me: LeadingCaller, parts: Parts) -> Response:
    """The frame: the channels are drawn from their rows."""
    return await framed(request, "settings/account/page.html", me, parts)
