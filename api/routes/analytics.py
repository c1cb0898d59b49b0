"""How escalations were answered: numbers in JSON, rows in CSV."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import StreamingResponse

from api.endpoints.answers import problems
from api.http import csv_rows
from api.identity.callers import Parts, WorkingCaller
from api.schemas.analytics import DEFAULT_SPAN, LONGEST_SPAN, DayOrMoment, EscalationReport
from api.schemas.me import TimeZone
from api.services import Services
from handoff.contract.people import Actor
from handoff.database import people
from handoff.database.reading import analytics, escalation_rows
from handoff.database.reading.analytics import Span
from handoff.errors import Invalid

router = APIRouter(prefix="/analytics", tags=["analytics"])

ROWS_AT_ONCE = 500


@router.get(
    "/escalations",
    operation_id="getEscalationAnalytics",
    response_model=EscalationReport,
    responses={
        200: {
            "description": "The numbers; with `Accept: text/csv` one line per escalation",
            "content": {"text/csv": {"schema": {"type": "string"}}},
        },
        **problems(403),
    },
)
async def get_escalations(
    response: Response,
    caller: WorkingCaller,
    parts: Parts,
    since: Annotated[
        DayOrMoment | None,
        Query(alias="from", description="Included; 30 days before `to` by default"),
    ] = None,
    until: Annotated[
        DayOrMoment | None, Query(alias="to", description="Not included; now by default")
    ] = None,
    time_zone: Annotated[TimeZone, Query(description="Whose hours of the week")] = "UTC",
    accept: Annotated[str, Header(description="`application/json` or `text/csv`")] = "*/*",
) -> Any:
    """Escalations that were created in a time: how many, how soon claimed, how many never."""
    span = _span(since, until)
    if csv_rows.wanted(accept):
        return _csv(parts, caller, span)
    async with parts.database.account(caller.account_id, at_one_moment=True) as tenant:
        report = await analytics.report(tenant, span, time_zone=time_zone)
    response.headers["Vary"] = "Accept"
    return EscalationReport.of(span, report)


def _span(since: datetime | None, until: datetime | None) -> Span:
    end = until or datetime.now(UTC)
    start = since or end - DEFAULT_SPAN
    if start >= end:
        raise _nonsense("query/from", "must be earlier than `to`")
    if end - start > LONGEST_SPAN:
        raise _nonsense("query/from", f"must be at most {LONGEST_SPAN.days} days before `to`")
    return Span(start, end)


def _nonsense(path: str, message: str) -> Invalid:
    fault = {"path": path, "message": message, "type": "out_of_range"}
    return Invalid(f"Mend {path} and send it again.", errors=[fault])


def _csv(parts: Services, caller: Actor, span: Span) -> StreamingResponse:
    headers = {
        "Content-Disposition": 'attachment; filename="escalations.csv"',
        "Vary": "Accept",
    }
    media_type = "text/csv; charset=utf-8; header=present"
    return StreamingResponse(_lines(parts, caller, span), media_type=media_type, headers=headers)


async def _lines(parts: Services, caller: Actor, span: Span) -> AsyncIterator[str]:
    """Page by page, so that no connection is held while a slow client reads."""
    yield csv_rows.lines([escalation_rows.COLUMNS])
    place = None
    while True:
        async with parts.database.account(caller.account_id) as tenant:
            if not await people.may_work(tenant, caller):
                return
            rows, place = await escalation_rows.next_rows(
                tenant, span, after=place, limit=ROWS_AT_ONCE
            )
        yield csv_rows.lines(rows)
        if place is None:
            return
