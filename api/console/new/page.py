"""Handing a session off: the form. Its module makes the session and the handoff."""

from fastapi import Request, Response

from api.console.shared.framed import framed
from api.console.shared.routing import page_router
from api.identity.callers import Parts, WorkingCaller
from handoff.database.reading import offers

router = page_router()


@router.get("/new")
async def new_page(request: Request, me: WorkingCaller, parts: Parts) -> Response:
    """Hand a session off: a new one, or one that is with the reader."""
    async with parts.database.account(me.account_id) as tenant:
        held, teams = await offers.held(tenant, me.id), await offers.team_names(tenant)
    return await framed(request, "new/page.html", me, parts, held=held, teams=teams)
