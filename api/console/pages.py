"""The pages of those who are signed in, and the pieces of them that are read again when it rings.

A piece is the same template as in the page, so nothing is drawn twice. Nothing here changes
anything: commands go to the JSON API.
"""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from api.console.rendering import page
from api.console.routing import PageRoute
from api.console.rows import Asked, Tab, read_board
from api.console.timeline import Story, read_story
from api.identity.callers import Caller, Parts, WorkingCaller
from api.schemas.texts import Moment
from api.services import Services
from handoff.contract.people import Actor
from handoff.database import events
from handoff.database.reading import analytics, board, called, offers
from handoff.temporal import queues
from handoff.wire import jsonable

router = APIRouter(route_class=PageRoute, include_in_schema=False)
pieces = APIRouter(prefix="/console", include_in_schema=False)
"""Read by our own modules: what goes wrong is a problem document, as everywhere in the API."""

MOST_KEPT = 100


async def _asked(
    tab: Annotated[str, Query()] = Tab.WAITING,
    scope: Annotated[str, Query()] = "team",
    q: Annotated[str, Query(max_length=200)] = "",
    keep: Annotated[list[UUID] | None, Query(max_length=MOST_KEPT)] = None,
) -> Asked:
    known = Tab(tab) if tab in set(Tab) else Tab.WAITING
    return Asked(known, whole_account=scope == "account", search=q, keep=keep or ())


WhatIsAsked = Annotated[Asked, Depends(_asked)]


async def _board(asked: Asked, caller: Actor, parts: Services) -> dict[str, Any]:
    return {"board": await read_board(parts.database, caller, asked), "asked": asked, "tabs": Tab}


@router.get("/")
async def queue_page(request: Request, asked: WhatIsAsked, me: Caller, parts: Parts) -> Response:
    """The queue."""
    content = await _board(asked, me, parts)
    return page(request, "queue.html", {**content, "number": content["board"].number}, me=me)


@pieces.get("/board")
async def queue_piece(request: Request, asked: WhatIsAsked, me: Caller, parts: Parts) -> Response:
    """The queue's tabs and rows, as they are now."""
    return page(request, "board.html", await _board(asked, me, parts), me=me)


@router.get("/handoffs/{handoff_id}")
async def handoff_page(request: Request, handoff_id: UUID, me: Caller, parts: Parts) -> Response:
    """One handoff."""
    story = await read_story(parts.database, me, handoff_id)
    content = {**_story(story, parts), "number": story.number}
    return page(request, "handoff.html", content, me=me)


@pieces.get("/handoffs/{handoff_id}")
async def handoff_piece(request: Request, handoff_id: UUID, me: Caller, parts: Parts) -> Response:
    """What changes on a handoff's page, as it is now."""
    story = await read_story(parts.database, me, handoff_id)
    return page(request, "story.html", _story(story, parts), me=me)


def _story(story: Story, parts: Services) -> dict[str, Any]:
    ui = parts.settings.temporal_ui_url
    workflow = queues.workflow_id(story.handoff.id)
    audit = f"{ui}/namespaces/{parts.temporal.namespace}/workflows/{workflow}" if ui else None
    return {"story": story, "handoff": story.handoff, "audit": audit}


@pieces.get("/pulse")
async def pulse(me: Caller, parts: Parts) -> Response:
    """What every page wants to know, whichever it shows: who calls the reader, how many wait."""
    async with parts.database.account(me.account_id) as tenant:
        _, number = await events.bounds(tenant)
        waiting = await board.waiting(tenant, me.id, team_id=me.team_id)
        calls = await called.calls(tenant, me.id)
    body = {"number": number, "waiting": waiting, "calls": jsonable(calls)}
    return JSONResponse(body, headers={"Cache-Control": "no-store"})


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


@router.get("/new")
async def new_page(request: Request, me: WorkingCaller, parts: Parts) -> Response:
    """Hand a session off: a new one, or one that is with the reader."""
    async with parts.database.account(me.account_id) as tenant:
        _, number = await events.bounds(tenant)
        content = {
            "held": await offers.held(tenant, me.id),
            "teams": await offers.team_names(tenant),
            "number": number,
        }
    return page(request, "new.html", content, me=me)
