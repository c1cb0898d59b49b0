"""The queue: who waits, urgent first, then longest waiting."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from api.endpoints.answers import problems
from api.endpoints.paging import PAGES, link_to_next, read_cursor, write_cursor
from api.identity.callers import Caller, Parts
from handoff.contract.record import HandoffView
from handoff.contract.words import HandoffStatus
from handoff.database import events
from handoff.database.handoffs import queue
from handoff.database.handoffs.queue import QueuePlace, Wanted
from handoff.database.records import view

router = APIRouter(prefix="/ai-sessions", tags=["queue"])


class Scope(StrEnum):
    """Whose handoffs: the caller's team's, those of no team and what called the caller; or the
    whole account's."""

    TEAM = "team"
    ACCOUNT = "account"


@router.get("/queue", operation_id="getQueue", responses={**PAGES, **problems()})
async def get_queue(
    request: Request,
    response: Response,
    caller: Caller,
    parts: Parts,
    scope: Annotated[Scope | None, Query(description="`team` for callers with a team")] = None,
    status: Annotated[
        list[HandoffStatus] | None, Query(description="parked and open unless told otherwise")
    ] = None,
    mine: Annotated[
        bool, Query(description="Only what I claimed, handed off or am named for")
    ] = False,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> list[HandoffView]:
    """A page of the queue. `Last-Event-ID` is where a live stream should start."""
    by_team = scope is Scope.TEAM or (scope is None and not mine)
    wanted = Wanted(
        statuses=status or _default_statuses(mine),
        team_id=caller.team_id if by_team else None,
        reader_id=caller.reader_id,
        mine=caller.id if mine else None,
        limit=limit,
        after=read_cursor(cursor, _place) if cursor else None,
    )
    async with parts.database.account(caller.account_id) as tenant:
        # The number first: what happens after it is read comes again over the stream.
        _, last = await events.bounds(tenant)
        found, end = await queue.read_queue(tenant, wanted)
    response.headers["Last-Event-ID"] = str(last)
    if end is not None:
        place = write_cursor(end.urgency, end.created_at.isoformat(), str(end.id))
        link_to_next(request, response, place)
    return [view(record, reader_id=caller.reader_id) for record in found]


def _default_statuses(mine: bool) -> tuple[HandoffStatus, ...]:
    return (*queue.WAITING, HandoffStatus.CLAIMED) if mine else queue.WAITING


def _place(urgency: Any, created_at: Any, handoff_id: Any) -> QueuePlace:
    moment = datetime.fromisoformat(created_at)
    if moment.tzinfo is None:
        raise ValueError
    return QueuePlace(int(urgency) % 10, moment.astimezone(UTC), UUID(handoff_id))
