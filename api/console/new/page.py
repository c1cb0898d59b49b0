"""Handing a session off: the form. Its module makes the session and the handoff."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response
from fastapi.responses import RedirectResponse

from api.console.new.again import read_earlier
from api.console.shared.framed import framed
from api.console.shared.routing import page_router
from api.identity.callers import Parts, WorkingCaller
from handoff.database.reading import offers

router = page_router()


@router.get("/new")
async def new_page(
    request: Request,
    me: WorkingCaller,
    parts: Parts,
    again: Annotated[UUID | None, Query()] = None,
) -> Response:
    """Hand a session off: a new one, one that is with the reader, or one that was closed again."""
    async with parts.database.account(me.account_id) as tenant:
        earlier = await read_earlier(tenant, me, again) if again else None
        first = earlier.handoff.session_id if earlier else None
        held = await offers.held(tenant, me.id, first=first)
        teams = await offers.team_names(tenant)
    if earlier is not None and earlier.instead is not None:
        return RedirectResponse(f"/handoffs/{earlier.instead}", 303)
    content = {"held": held, "teams": teams, "earlier": earlier}
    return await framed(request, "new/page.html", me, parts, **content)
