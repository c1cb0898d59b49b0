"""Old work, found again: every handoff of the account, newest first."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from api.endpoints.answers import problems
from api.endpoints.paging import PAGES, Limit, link_to_next, read_cursor, write_cursor
from api.identity.callers import Caller, Parts
from api.schemas.texts import Moment, Text
from handoff.contract.record import HandoffView
from handoff.contract.words import HandoffStatus, Intent, Outcome, Priority
from handoff.database.reading.search import Filters, SearchPlace, search
from handoff.database.records import view
from handoff.rules.sought import sought

router = APIRouter(prefix="/ai-sessions", tags=["queue"])

SOUGHT_CHARACTERS = 200

Sought = Annotated[
    Text | None,
    Query(
        max_length=SOUGHT_CHARACTERS,
        description="Words of title, notes and resolutions, all of which must be there, the last "
        'perhaps only begun; `"in this order"`, `or`, `-not`; or an id, or its first four digits '
        "and more",
    ),
]


@router.get("/handoffs", operation_id="searchHandoffs", responses={**PAGES, **problems()})
async def search_handoffs(
    request: Request,
    response: Response,
    caller: Caller,
    parts: Parts,
    q: Sought = None,
    status: Annotated[list[HandoffStatus] | None, Query(description="Any unless told")] = None,
    team: Annotated[UUID | None, Query(description="Whose session it is")] = None,
    person: Annotated[
        UUID | None, Query(description="Handed it off, has it, had it first, or is named for it")
    ] = None,
    priority: Annotated[list[Priority] | None, Query(description="Any unless told")] = None,
    intent: Annotated[Intent | None, Query(description="Promoted work is escalated, too")] = None,
    outcome: Annotated[list[Outcome] | None, Query(description="Resolved as one of these")] = None,
    claimed_by: Annotated[
        UUID | None, Query(description="Has it, or had it when it was closed")
    ] = None,
    claimed_first_by: Annotated[
        UUID | None, Query(description="The first who claimed it, as the analytics count")
    ] = None,
    since: Annotated[
        Moment | None, Query(alias="from", description="Created at this moment or later")
    ] = None,
    until: Annotated[Moment | None, Query(alias="to", description="Created earlier")] = None,
    limit: Limit = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> list[HandoffView]:
    """A page of the account's handoffs, newest first. What one may not read is not searched."""
    wanted = Filters(
        sought=sought(q) if q and q.strip() else None,
        statuses=status or (),
        priorities=priority or (),
        team_id=team,
        person_id=person,
        intent=intent,
        outcomes=outcome or (),
        claimed_by_id=claimed_by,
        claimed_first_by_id=claimed_first_by,
        since=since,
        until=until,
        reader_id=caller.reader_id,
        limit=limit,
        after=read_cursor(cursor, as_place) if cursor else None,
    )
    async with parts.database.account(caller.account_id) as tenant:
        found, end = await search(tenant, wanted)
    if end is not None:
        link_to_next(request, response, cursor_of(end))
    return [view(record, reader_id=caller.reader_id) for record in found]


def cursor_of(place: SearchPlace) -> str:
    """Where the next page starts, as text."""
    return write_cursor(place.at.isoformat(), str(place.id))


def as_place(at: Any, handoff_id: Any) -> SearchPlace:
    """What `cursor_of` wrote; raises for anything else."""
    moment = datetime.fromisoformat(at)
    if moment.tzinfo is None:
        raise ValueError
    return SearchPlace(moment.astimezone(UTC), UUID(handoff_id))
