"""The lists of the console's queue page: how many handoffs each holds, and which.

Reads only; every query starts with the account's own rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_

from handoff.contract.people import Actor
from handoff.contract.record import Record
from handoff.contract.words import FINAL, LIVING, HandoffStatus
from handoff.database.gate import Tenant
from handoff.database.reading.called import has_called
from handoff.database.records import NAMED, records, to_record
from handoff.database.tables import HandoffRow, SessionRow, TeamRow

LATELY = timedelta(days=7)
"""How far back closed handoffs are counted and shown."""


@dataclass(frozen=True, slots=True)
class ListCounts:
    """How many handoffs each list of the console holds."""

    waiting: int
    mine: int
    from_me: int
    claimed: int
    parked: int
    closed: int


def _lists(tenant: Tenant, reader_id: UUID, team_id: UUID | None) -> dict[str, ColumnElement[bool]]:
    """What each list of living handoffs holds: they are counted and shown by the same condition.

    A team's list leaves out what belongs to other teams, but never a call that reached the reader.
    """
    status = HandoffRow.status
    team = _of_team(team_id)
    near = or_(*team, has_called(tenant, reader_id)) if team else status.is_not(None)
    return {
        "waiting": or_(and_(status == HandoffStatus.OPEN, near), _is_passed_to(reader_id)),
        "mine": _is_with(reader_id),
        "from_me": HandoffRow.escalator_id == reader_id,
        "claimed": and_(status == HandoffStatus.CLAIMED, *team),
        "parked": and_(status == HandoffStatus.PARKED, *team),
    }


async def counts(
    tenant: Tenant, reader: Actor, *, team_id: UUID | None, now: datetime
) -> ListCounts:
    """One look over the account's living handoffs, one over those that closed lately."""
    lists = _lists(tenant, reader.id, team_id)
    living = _handoffs(
        tenant, *(func.count().filter(which).label(name) for name, which in lists.items())
    ).where(HandoffRow.status.in_(LIVING))
    row = (await tenant.connection.execute(living)).one()
    lately = _handoffs(tenant, func.count()).where(*_closed_lately(now), *_of_team(team_id))
    return ListCounts(**row._mapping, closed=await tenant.connection.scalar(lately) or 0)


@dataclass(frozen=True, slots=True)
class Part:
    """Which of a list's rows: all words of `sought` must be in what they are called by; with
    `by_team` the rows of a team stand together, so that a part of the list holds whole teams.
    `among`: of these alone."""

    limit: int
    offset: int = 0
    sought: Sequence[str] = ()
    by_team: bool = False
    among: Sequence[UUID] = ()


async def living(
    tenant: Tenant, name: str, part: Part, *, reader_id: UUID, team_id: UUID | None
) -> list[Record]:
    """A list's handoffs: first what is passed to the reader, then urgent, then longest waiting."""
    query = records(tenant).where(
        HandoffRow.status.in_(LIVING), _lists(tenant, reader_id, team_id)[name]
    )
    order = (
        _is_passed_to(reader_id).desc(),
        HandoffRow.urgency.desc(),
        HandoffRow.created_at,
        HandoffRow.id,
    )
    return await _read(tenant, query, part, order)


async def _read(tenant: Tenant, query: Select[Any], part: Part, order: Any) -> list[Record]:
    teams = (TeamRow.name.nulls_last(),) if part.by_team else ()
    query = query.where(*(NAMED.contains(word.lower(), autoescape=True) for word in part.sought))
    if part.among:
        query = query.where(HandoffRow.id.in_(part.among))
    query = query.order_by(*teams, *order).limit(part.limit).offset(part.offset)
    return [to_record(row) for row in (await tenant.connection.execute(query)).all()]


async def waiting(tenant: Tenant, reader_id: UUID, *, team_id: UUID | None) -> int:
    """How many wait for the reader, or for somebody of the team."""
    query = _handoffs(tenant, func.count()).where(
        HandoffRow.status.in_(LIVING), _lists(tenant, reader_id, team_id)["waiting"]
    )
    return await tenant.connection.scalar(query) or 0


def _handoffs(tenant: Tenant, *columns: Any) -> Select[Any]:
    query = tenant.select(HandoffRow, *columns).select_from(HandoffRow)
    return query.join(SessionRow, SessionRow.id == HandoffRow.session_id)


def _closed_lately(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (HandoffRow.status.in_(FINAL), HandoffRow.resolved_at > now - LATELY)


def _of_team(team_id: UUID | None) -> tuple[ColumnElement[bool], ...]:
    if team_id is None:
        return ()
    return (or_(SessionRow.team_id == team_id, SessionRow.team_id.is_(None)),)


def _is_passed_to(user_id: UUID) -> ColumnElement[bool]:
    """Never null, so that it can be sorted by."""
    named = HandoffRow.transfer_to_id.is_not_distinct_from(user_id)
    return and_(HandoffRow.status == HandoffStatus.CLAIMED, named)


def _is_with(user_id: UUID) -> ColumnElement[bool]:
    """They have it, or are to accept it."""
    return or_(HandoffRow.claimed_by_id == user_id, HandoffRow.transfer_to_id == user_id)


async def closed(
    tenant: Tenant, part: Part, *, team_id: UUID | None, now: datetime
) -> list[Record]:
    """What closed lately, newest first."""
    query = records(tenant).where(*_closed_lately(now), *_of_team(team_id))
    return await _read(tenant, query, part, (HandoffRow.resolved_at.desc(), HandoffRow.id))


async def by_ids(tenant: Tenant, ids: Sequence[UUID]) -> list[Record]:
    """These handoffs, as far as they are the account's."""
    if not ids:
        return []
    query = records(tenant).where(HandoffRow.id.in_(ids))
    return [to_record(row) for row in (await tenant.connection.execute(query)).all()]
