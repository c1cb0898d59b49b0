"""The account's webhooks: how each stands, its last attempts, test, replay, rotation. The module
beside it fills the list in and carries out what is chosen."""

from fastapi import Request, Response

from api.console.shared.framed import framed
from api.console.shared.routing import page_router
from api.identity.callers import LeadingCaller, Parts

router = page_router()


@router.get("/settings/webhooks")
async def webhooks_page(request: Request, me: LeadingCaller, parts: Parts) -> Response:
    """The frame."""
    return await framed(request, "settings/webhooks/page.html", me, parts)
