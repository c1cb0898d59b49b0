"""The account's people and teams. The module beside it fills the tables in."""

from fastapi import Request, Response

from api.console.shared.framed import framed
from api.console.shared.routing import page_router
from api.identity.callers import LeadingCaller, Parts

router = page_router()


@router.get("/settings/people")
async def people_page(request: Request, me: LeadingCaller, parts: Parts) -> Response:
    """Who is here."""
    return await framed(request, "settings/people/page.html", me, parts)
