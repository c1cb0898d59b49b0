"""The queue: its page, and the piece of it that is read again when it rings.

The piece is the same template as in the page, so nothing is drawn twice.
"""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Header, Query, Request, Response

from api.console.queue.rows import TAG, Asked, Grouping, Tab, read_board
from api.console.shared.rendering import page
from api.console.shared.routing import page_router, piece_router
from api.identity.callers import Caller, Parts
from api.services import Services
from handoff.contract.people import Actor
from handoff.database.reading import offers

router = page_router()
pieces = piece_router()

MOST_KEPT = 100
MOST_SOUGHT = 200
"""Characters that are looked for: an address may hold more, of which the rest is left out."""
MOST_HAD = 600
"""Rows on the screen whose tags fit into a header line that every proxy lets through."""


async def _asked(
    tab: Annotated[str, Query()] = Tab.WAITING,
    scope: Annotated[str, Query()] = "team",
    group: Annotated[str, Query()] = "",
    q: Annotated[str, Query()] = "",
    page: Annotated[int, Query(ge=1, le=1000)] = 1,
    keep: Annotated[list[UUID] | None, Query(max_length=MOST_KEPT)] = None,
    held: Annotated[int, Query(ge=0)] = 0,
    handoff_rows: Annotated[str, Header(max_length=MOST_HAD * TAG)] = "",
) -> Asked:
    by = Grouping(group) if group in set(Grouping) else None
    known = Tab(tab) if tab in set(Tab) else Tab.WAITING
    return Asked(
        known,
        whole_account=scope == "account",
        search=q[:MOST_SOUGHT],
        page=page,
        group=by,
        keep=keep or (),
        held=held,
        have=_tags(handoff_rows),
    )


def _tags(told: str) -> frozenset[str]:
    return frozenset(told[at : at + TAG] for at in range(0, len(told), TAG))


WhatIsAsked = Annotated[Asked, Depends(_asked)]


async def _offers(me: Actor, parts: Services) -> dict[str, Any]:
    """Whom and which teams the dialogs for what is picked can name."""
    async with parts.database.account(me.account_id) as tenant:
        return {
            "colleagues": await offers.colleagues(tenant),
            "teams": await offers.team_names(tenant),
        }


async def _board(asked: Asked, caller: Actor, parts: Services) -> dict[str, Any]:
    return {
        "board": await read_board(parts.database, caller, asked),
        "asked": asked,
        "tabs": Tab,
        "groupings": Grouping,
    }


@router.get("/")
async def queue_page(request: Request, asked: WhatIsAsked, me: Caller, parts: Parts) -> Response:
    """The queue."""
    content = await _board(asked, me, parts) | await _offers(me, parts)
    content |= {"number": content["board"].number, "most_sought": MOST_SOUGHT}
    return page(request, "queue/page.html", content, me=me)


@pieces.get("/board")
async def queue_piece(request: Request, asked: WhatIsAsked, me: Caller, parts: Parts) -> Response:
    """The queue's tabs and rows, as they are now."""
    return page(request, "queue/board.html", await _board(asked, me, parts), me=me)
