"""How escalations were answered: the page, and what its module asks beside the report."""

from typing import Annotated

from fastapi import Query, Request, Response

from api.console.shared.framed import framed
from api.console.shared.routing import page_router, piece_router
from api.identity.callers import Parts, WorkingCaller
from api.schemas.texts import Moment
from handoff.database.reading import analytics

router = page_router()
pieces = piece_router()


@router.get("/analytics")
async def analytics_page(request: Request, me: WorkingCaller, parts: Parts) -> Response:
    """The frame; its module asks for the report and draws it."""
    return await framed(request, "analytics/page.html", me, parts)


@pieces.get("/waiting")
async def waiting_by_day(
    since: Annotated[Moment, Query(alias="from")],
    until: Annotated[Moment, Query(alias="to")],
    me: WorkingCaller,
    parts: Parts,
) -> dict[str, int]:
    """How many of each day's escalations still wait: the report counts them as unanswered."""
    async with parts.database.account(me.account_id) as tenant:
        return await analytics.still_waiting(tenant, analytics.Span(since, until))
