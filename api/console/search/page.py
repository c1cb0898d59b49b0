"""Two pages of old work: the search, and what has closed, day by day without end.

What is loaded later is the same template as in the page.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from fastapi import Request, Response

from api.console.search.asked import Asked, WhatIsAsked
from api.console.search.counted import Counted
from api.console.search.marking import pattern_of
from api.console.search.rows import Row, rows_of
from api.console.shared.framed import framed
from api.console.shared.rendering import page
from api.console.shared.routing import page_router, piece_router
from api.identity.callers import Caller, Parts
from api.routes.search import cursor_of
from api.services import Services
from handoff.contract.people import Actor
from handoff.database.reading import offers
from handoff.database.reading.search import Filters, search, these
from handoff.database.reading.told import told

router = page_router()
pieces = piece_router()

PAGE = 50


@dataclass(frozen=True, slots=True)
class Found:
    """A page of rows. `more`: where the next one is. `is_on`: others stand before it. `names`: of
    those whom a number of the analytics is about."""

    rows: list[Row]
    more: str | None
    by_day: bool
    is_on: bool
    names: dict[UUID, str]
    now: datetime


async def _find(asked: Asked, me: Actor, parts: Services, *, by_day: bool = False) -> Found:
    wanted = asked.filters(me.reader_id, limit=PAGE)
    if by_day:
        wanted = Filters(by_closing=True, reader_id=me.reader_id, limit=PAGE, after=wanted.after)
    pattern = None if by_day else pattern_of(asked.q)
    async with parts.database.account(me.account_id) as tenant:
        if not asked.rows:
            records, end = await search(tenant, wanted)
        else:
            records, end = await these(tenant, asked.rows), None
        ids = [record.id for record in records]
        histories = await told(tenant, ids, notes=pattern is not None)
        about = {asked.counted.claimed_by, asked.counted.claimed_first_by} - {None}
        people = await offers.everybody(tenant) if about else []
    rows = rows_of(records, me, histories, pattern)
    path = "/closed" if by_day else "/search"
    on = asked if not by_day else replace(_NOTHING, cursor=asked.cursor)
    more = None if end is None else on.address(path, cursor=cursor_of(end))
    names = {one.id: one.name for one in people if one.id in about}
    return Found(rows, more, by_day, wanted.after is not None, names, datetime.now(UTC))


_NOTHING = Asked("", None, None, None, None, None, None, "", "", Counted())


@router.get("/search")
async def search_page(request: Request, asked: WhatIsAsked, me: Caller, parts: Parts) -> Response:
    """The search, with what it finds."""
    async with parts.database.account(me.account_id) as tenant:
        people, teams = await offers.everybody(tenant), await offers.team_names(tenant)
    found = await _find(asked, me, parts)
    content = {"asked": asked, "found": found, "people": people, "teams": teams}
    return await framed(request, "search/page.html", me, parts, **content)


@router.get("/closed")
async def closed_page(request: Request, asked: WhatIsAsked, me: Caller, parts: Parts) -> Response:
    """What has closed, what closed last first."""
    found = await _find(asked, me, parts, by_day=True)
    return await framed(request, "search/closed.html", me, parts, asked=asked, found=found)


@pieces.get("/search")
async def search_piece(request: Request, asked: WhatIsAsked, me: Caller, parts: Parts) -> Response:
    """What the search finds, from some row on; or rows of it that are shown, as they are now."""
    found = await _find(asked, me, parts)
    return page(request, "search/found.html", {"found": found, "asked": asked}, me=me)


@pieces.get("/closed")
async def closed_piece(request: Request, asked: WhatIsAsked, me: Caller, parts: Parts) -> Response:
    """What has closed, from some row on; or rows of it that are shown, as they are now."""
    found = await _find(asked, me, parts, by_day=True)
    return page(request, "search/found.html", {"found": found, "asked": asked}, me=me)
