"""Escalations row by row, page by page, for a table calculation of the reader's own."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, literal, tuple_
from sqlalchemy.orm import aliased

from handoff.database.gate import Tenant
from handoff.database.reading.analytics import TIME_TO_CLAIM, Span, escalations
from handoff.database.tables import HandoffRow, SessionRow, UserRow

COLUMNS = (
    "id",
    "session_id",
    "session_title",
    "priority",
    "state",
    "created_at",
    "escalator",
    "rounds",
    "first_claimed_at",
    "first_claimed_by",
    "first_claimed_round",
    "time_to_claim_seconds",
    "exhausted_at",
    "resolved_at",
    "outcome",
)
"""One line per escalation, oldest first."""

_Escalator = aliased(UserRow)
_FirstClaimer = aliased(UserRow)


@dataclass(frozen=True, slots=True)
class RowPlace:
    """Where a page of rows ended."""

    created_at: datetime
    id: UUID


async def next_rows(
    tenant: Tenant, span: Span, *, after: RowPlace | None, limit: int
) -> tuple[list[tuple[Any, ...]], RowPlace | None]:
    """A page of rows in the order of `COLUMNS`, and where the next one starts, if there is one."""
    query = _rows(tenant, span).limit(limit)
    if after is not None:
        query = query.where(
            tuple_(HandoffRow.created_at, HandoffRow.id)
            > tuple_(literal(after.created_at), literal(after.id))
        )
    found = (await tenant.connection.execute(query)).all()
    more = len(found) == limit
    place = RowPlace(found[-1].created_at, found[-1].id) if more else None
    return [tuple(row) for row in found], place


def _rows(tenant: Tenant, span: Span) -> Select[Any]:
    return (
        escalations(
            tenant,
            span,
            HandoffRow.id,
            HandoffRow.session_id,
            SessionRow.title,
            HandoffRow.priority,
            HandoffRow.status,
            HandoffRow.created_at,
            _Escalator.name,
            HandoffRow.round,
            HandoffRow.first_claimed_at,
            _FirstClaimer.name,
            HandoffRow.first_claimed_round,
            TIME_TO_CLAIM,
            HandoffRow.exhausted_at,
            HandoffRow.resolved_at,
            HandoffRow.outcome,
        )
        .join(SessionRow, SessionRow.id == HandoffRow.session_id)
        .join(_Escalator, _is(_Escalator, HandoffRow.escalator_id))
        .outerjoin(_FirstClaimer, _is(_FirstClaimer, HandoffRow.first_claimed_by_id))
        .order_by(HandoffRow.created_at, HandoffRow.id)
    )


def _is(user: Any, user_id: Any) -> ColumnElement[bool]:
    return and_(user.account_id == HandoffRow.account_id, user.id == user_id)
