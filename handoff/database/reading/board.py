"""What the web console reads beside the queue: counts, calls, what lately closed, who was told.

Reads only; every query starts with the account's own rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Select, and_, cast, func, or_

from handoff.contract.people import Actor
from handoff.contract.record import Record
from handoff.contract.words import FINAL, LIVING, DeliveryState, HandoffStatus
from handoff.database.deliveries import ROUND_EVENTS, destination_name
from handoff.database.gate import Tenant
from handoff.database.records import records, to_record
from handoff.database.tables import (
    DeliveryRow,
    EndpointRow,
    HandoffRow,
    SessionRow,
    UserRow,
)
from handoff.rules.channels import PUSH

LATELY = timedelta(days=7)
"""How far back closed handoffs are counted and shown."""

_REACHED = (DeliveryState.QUEUED, DeliveryState.PUBLISHED, DeliveryState.SEEN)


@dataclass(frozen=True, slots=True)
class ListCounts:
    """How many handoffs each list of the console holds."""

    waiting: int
    mine: int
    claimed: int
    parked: int
    closed: int


@dataclass(frozen=True, slots=True)
class Call:
    """A call for help that reaches somebody now. `number` is the event's: each call once."""

    handoff_id: UUID
    number: int
    title: str
    priority: str
    caller: str
    round: int


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one destination, and the event that it tells of."""

    event_number: int
    destination_id: UUID
    name: str
    channel: str
    state: DeliveryState
    reason: str | None
    attempts: list[dict[str, Any]]


def _lists(tenant: Tenant, reader_id: UUID, team_id: UUID | None) -> dict[str, ColumnElement[bool]]:
    """What each list of living handoffs holds: they are counted and shown by the same condition.

    A team's list leaves out what belongs to other teams, but never a call that reached the reader.
    """
    status = HandoffRow.status
    team = _of_team(team_id)
    near = or_(*team, _has_called(tenant, reader_id)) if team else status.is_not(None)
    return {
        "waiting": or_(and_(status == HandoffStatus.OPEN, near), _is_passed_to(reader_id)),
        "mine": _is_mine(reader_id),
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


async def living(
    tenant: Tenant, name: str, *, reader_id: UUID, team_id: UUID | None, limit: int
) -> list[Record]:
    """A list's handoffs: first what is passed to the reader, then urgent, then longest waiting."""
    query = (
        records(tenant)
        .where(HandoffRow.status.in_(LIVING), _lists(tenant, reader_id, team_id)[name])
        .order_by(
            _is_passed_to(reader_id).desc(),
            HandoffRow.urgency.desc(),
            HandoffRow.created_at,
            HandoffRow.id,
        )
        .limit(limit)
    )
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


def _has_called(tenant: Tenant, user_id: UUID) -> ColumnElement[bool]:
    """Whether this person has been called for the handoff.

    Asked of each handoff by itself: what somebody was ever told of only grows.
    """
    calls = tenant.select(DeliveryRow, DeliveryRow.handoff_id).where(
        DeliveryRow.handoff_id == HandoffRow.id,
        DeliveryRow.recipient_id == user_id,
        DeliveryRow.event_type.in_(ROUND_EVENTS),
    )
    return calls.correlate(HandoffRow).exists()


def _is_passed_to(user_id: UUID) -> ColumnElement[bool]:
    """Never null, so that it can be sorted by."""
    named = HandoffRow.transfer_to_id.is_not_distinct_from(user_id)
    return and_(HandoffRow.status == HandoffStatus.CLAIMED, named)


def _is_mine(user_id: UUID) -> ColumnElement[bool]:
    columns = (HandoffRow.claimed_by_id, HandoffRow.escalator_id, HandoffRow.transfer_to_id)
    return or_(*(column == user_id for column in columns))


async def closed(
    tenant: Tenant, *, team_id: UUID | None, limit: int, now: datetime
) -> list[Record]:
    """What closed lately, newest first."""
    query = (
        records(tenant)
        .where(*_closed_lately(now), *_of_team(team_id))
        .order_by(HandoffRow.resolved_at.desc(), HandoffRow.id)
        .limit(limit)
    )
    return [to_record(row) for row in (await tenant.connection.execute(query)).all()]


async def waiting_since(tenant: Tenant, start: datetime, end: datetime) -> dict[str, int]:
    """How many of the escalations of a time still wait for a first claim, by their UTC day."""
    day = cast(func.timezone("UTC", HandoffRow.created_at), Date)
    query = (
        tenant.select(HandoffRow, day, func.count())
        .where(
            HandoffRow.status == HandoffStatus.OPEN,
            HandoffRow.first_claimed_at.is_(None),
            HandoffRow.exhausted_at.is_(None),
            HandoffRow.created_at >= start,
            HandoffRow.created_at < end,
        )
        .group_by(day)
    )
    return {row[0].isoformat(): row[1] for row in (await tenant.connection.execute(query)).all()}


async def session_context(tenant: Tenant, session_id: UUID) -> dict[str, Any]:
    """What was written about the session itself, whoever holds it."""
    query = tenant.select(SessionRow, SessionRow.context).where(SessionRow.id == session_id)
    return await tenant.connection.scalar(query) or {}


async def by_ids(tenant: Tenant, ids: Sequence[UUID]) -> list[Record]:
    """These handoffs, as far as they are the account's."""
    if not ids:
        return []
    query = records(tenant).where(HandoffRow.id.in_(ids))
    return [to_record(row) for row in (await tenant.connection.execute(query)).all()]


async def told(tenant: Tenant, user_id: UUID, ids: Sequence[UUID]) -> dict[UUID, int]:
    """The last round in which this person was called, by handoff."""
    query = (
        tenant.select(DeliveryRow, DeliveryRow.handoff_id, func.max(DeliveryRow.round))
        .where(
            DeliveryRow.recipient_id == user_id,
            DeliveryRow.handoff_id.in_(ids),
            DeliveryRow.event_type.in_(ROUND_EVENTS),
        )
        .group_by(DeliveryRow.handoff_id)
    )
    return {row[0]: row[1] for row in (await tenant.connection.execute(query)).all()}


async def calls(tenant: Tenant, user_id: UUID) -> list[Call]:
    """The open handoffs for which this person is called by push, and has not opted out of it."""
    number = func.max(DeliveryRow.event_number).label("number")
    query = (
        tenant.select(
            DeliveryRow,
            DeliveryRow.handoff_id,
            number,
            SessionRow.title,
            HandoffRow.priority,
            UserRow.name.label("caller"),
            HandoffRow.round,
        )
        .join(HandoffRow, HandoffRow.id == DeliveryRow.handoff_id)
        .join(SessionRow, SessionRow.id == HandoffRow.session_id)
        .join(UserRow, UserRow.id == HandoffRow.escalator_id)
        .where(
            DeliveryRow.recipient_id == user_id,
            DeliveryRow.channel == PUSH.name,
            DeliveryRow.event_type.in_(ROUND_EVENTS),
            DeliveryRow.state.in_(_REACHED),
            HandoffRow.status == HandoffStatus.OPEN,
        )
        .group_by(
            DeliveryRow.handoff_id,
            SessionRow.title,
            HandoffRow.priority,
            UserRow.name,
            HandoffRow.round,
        )
        .order_by(number)
    )
    return [Call(*row) for row in (await tenant.connection.execute(query)).all()]


async def messages(tenant: Tenant, handoff_id: UUID) -> list[Message]:
    """Every message of a handoff, in the order of its events."""
    name = destination_name()
    query = (
        tenant.select(
            DeliveryRow,
            DeliveryRow.event_number,
            DeliveryRow.destination_id,
            name,
            DeliveryRow.channel,
            DeliveryRow.state,
            DeliveryRow.reason,
            DeliveryRow.attempts,
        )
        .outerjoin(UserRow, UserRow.id == DeliveryRow.recipient_id)
        .outerjoin(EndpointRow, EndpointRow.id == DeliveryRow.endpoint_id)
        .where(DeliveryRow.handoff_id == handoff_id)
        .order_by(DeliveryRow.event_number, name, DeliveryRow.destination_id, DeliveryRow.channel)
    )
    return [Message(*row) for row in (await tenant.connection.execute(query)).all()]
