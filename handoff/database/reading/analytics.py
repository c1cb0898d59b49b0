"""How an account's escalations were answered, by the time at which they were created.

All numbers of a report come from one moment. What each means stands in docs/analytics.md.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Date,
    Float,
    Integer,
    Select,
    and_,
    case,
    cast,
    func,
    or_,
)

from handoff.contract.words import HandoffStatus, Intent, Outcome, Priority
from handoff.database.gate import Tenant
from handoff.database.tables import HandoffRow, SessionRow, TeamRow, UserRow


@dataclass(frozen=True, slots=True)
class Span:
    """A time: its start included, its end not. Aware, in UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Never claimed, never withdrawn."""

    total: int
    waiting: int
    exhausted: int
    expired: int


@dataclass(frozen=True, slots=True)
class Claimer:
    """One person's first claims; the median of their times to claim, in seconds."""

    id: UUID
    name: str
    count: int
    median: float


@dataclass(frozen=True, slots=True)
class Day:
    """What was created on one day, UTC."""

    date: date
    created: int
    claimed: int
    unanswered: int


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds; None where there is nothing to count."""

    p50: float | None
    p90: float | None
    mean: float | None


@dataclass(frozen=True, slots=True)
class OfTeam:
    """One team's escalations; of those that are of no team, id and name are None."""

    id: UUID | None
    name: str | None
    total: int
    answered: int
    unanswered: int
    p50: float | None


@dataclass(frozen=True, slots=True)
class Hour:
    """What was created in one hour of the week, from 0 on Monday; the median time to claim."""

    weekday: int
    hour: int
    created: int
    p50: float | None


@dataclass(frozen=True, slots=True)
class Load:
    """What somebody has claimed and not ended at this moment, since when the longest."""

    id: UUID
    name: str
    holding: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Report:
    """The numbers of one span."""

    total: int
    answered: int
    unanswered: Unanswered
    withdrawn: int
    to_claim: Times
    to_resolve: Times
    by_state: dict[HandoffStatus, int]
    by_priority: dict[Priority, int]
    by_outcome: dict[Outcome, int]
    by_round: dict[int, int]
    by_level: dict[int, int]
    by_team: list[OfTeam]
    by_hour: list[Hour]
    claimers: list[Claimer]
    loads: list[Load]
    days: list[Day]


_ANSWERED = HandoffRow.first_claimed_at.is_not(None)
_NEVER = HandoffRow.first_claimed_at.is_(None)
_OPEN = and_(_NEVER, HandoffRow.status == HandoffStatus.OPEN)
_WAITING = and_(_OPEN, HandoffRow.exhausted_at.is_(None))
_EXHAUSTED = and_(_OPEN, HandoffRow.exhausted_at.is_not(None))
_EXPIRED = and_(_NEVER, HandoffRow.status == HandoffStatus.EXPIRED)
_WITHDRAWN = and_(_NEVER, HandoffRow.status == HandoffStatus.CANCELLED)
_UNANSWERED = and_(_NEVER, HandoffRow.status.in_([HandoffStatus.OPEN, HandoffStatus.EXPIRED]))

_DAY = cast(func.timezone("UTC", HandoffRow.created_at), Date).label("day")

_BEGUN = func.coalesce(HandoffRow.escalated_at, HandoffRow.created_at)
"""Parked work waits for nobody until it is escalated."""

# Two clocks write the two times, so the difference may come out a little below zero.
TIME_TO_CLAIM = case(
    (
        _ANSWERED,
        func.greatest(
            cast(func.extract("epoch", HandoffRow.first_claimed_at - _BEGUN), Float),
            0.0,
        ),
    )
)
"""Seconds; null while nobody has claimed."""

_RESOLVED = HandoffRow.status == HandoffStatus.RESOLVED
_TIME_TO_RESOLVE = func.greatest(
    cast(func.extract("epoch", HandoffRow.resolved_at - _BEGUN), Float), 0.0
)
# Who still waits is no failure yet.
_FAILED = or_(_EXHAUSTED, _EXPIRED)


def _count(which: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count().filter(which)


def _percentile(
    part: float, of: ColumnElement[Any] = TIME_TO_CLAIM, which: ColumnElement[bool] = _ANSWERED
) -> ColumnElement[float]:
    return func.percentile_cont(part).within_group(of).filter(which)


def escalations(tenant: Tenant, span: Span, *columns: Any) -> Select[Any]:
    """The escalations of the account that were created in the span."""
    return tenant.select(HandoffRow, *columns).where(
        HandoffRow.intent == Intent.ESCALATE,
        HandoffRow.created_at >= span.start,
        HandoffRow.created_at < span.end,
    )


async def report(tenant: Tenant, span: Span, *, time_zone: str) -> Report:
    """Every number, as of one moment if its transaction is `at_one_moment`.

    `time_zone`: whose hours of the week are meant.
    """
    whole = await _whole(tenant, span)
    return Report(
        total=whole.total,
        answered=whole.answered,
        unanswered=Unanswered(whole.unanswered, whole.waiting, whole.exhausted, whole.expired),
        withdrawn=whole.withdrawn,
        to_claim=Times(whole.p50, whole.p90, whole.mean),
        to_resolve=Times(whole.resolve_p50, whole.resolve_p90, whole.resolve_mean),
        by_state=_filled(HandoffStatus, await _by(tenant, span, HandoffRow.status)),
        by_priority=_filled(Priority, await _by(tenant, span, HandoffRow.priority)),
        by_outcome=_filled(Outcome, await _by(tenant, span, HandoffRow.outcome, _RESOLVED)),
        by_round=await _by(tenant, span, HandoffRow.first_claimed_round, _ANSWERED),
        by_level=await _by(
            tenant,
            span,
            HandoffRow.first_claimed_level,
            HandoffRow.first_claimed_level.is_not(None),
        ),
        by_team=await _teams(tenant, span),
        by_hour=await _hours(tenant, span, time_zone),
        claimers=await _claimers(tenant, span),
        loads=await _loads(tenant),
        days=await _days(tenant, span),
    )


async def _whole(tenant: Tenant, span: Span) -> Any:
    query = escalations(
        tenant,
        span,
        func.count().label("total"),
        _count(_ANSWERED).label("answered"),
        _count(_UNANSWERED).label("unanswered"),
        _count(_WAITING).label("waiting"),
        _count(_EXHAUSTED).label("exhausted"),
        _count(_EXPIRED).label("expired"),
        _count(_WITHDRAWN).label("withdrawn"),
        _percentile(0.5).label("p50"),
        _percentile(0.9).label("p90"),
        func.avg(TIME_TO_CLAIM).filter(_ANSWERED).label("mean"),
        _percentile(0.5, _TIME_TO_RESOLVE, _RESOLVED).label("resolve_p50"),
        _percentile(0.9, _TIME_TO_RESOLVE, _RESOLVED).label("resolve_p90"),
        func.avg(_TIME_TO_RESOLVE).filter(_RESOLVED).label("resolve_mean"),
    )
    return (await tenant.connection.execute(query)).one()


async def _by(
    tenant: Tenant, span: Span, column: Any, which: ColumnElement[bool] | None = None
) -> dict[Any, int]:
    query = escalations(tenant, span, column, func.count()).group_by(column).order_by(column)
    if which is not None:
        query = query.where(which)
    return {key: count for key, count in (await tenant.connection.execute(query)).all()}


def _filled(words: type[Any], counted: dict[Any, int]) -> dict[Any, int]:
    """Zeros stand there too, in the words' own order."""
    parked = HandoffStatus.PARKED  # An escalation is never parked.
    return {word: counted.get(word, 0) for word in words if word is not parked}


async def _claimers(tenant: Tenant, span: Span) -> list[Claimer]:
    claimer = and_(
        UserRow.account_id == HandoffRow.account_id, UserRow.id == HandoffRow.first_claimed_by_id
    )
    query = (
        escalations(
            tenant,
            span,
            UserRow.id,
            UserRow.name,
            func.count().label("count"),
            _percentile(0.5).label("median"),
        )
        .join(UserRow, claimer)
        .where(_ANSWERED)
        .group_by(UserRow.id, UserRow.name)
        .order_by(func.count().desc(), UserRow.name, UserRow.id)
    )
    return [Claimer(*row) for row in (await tenant.connection.execute(query)).all()]


async def _teams(tenant: Tenant, span: Span) -> list[OfTeam]:
    of_account = and_(
        SessionRow.account_id == HandoffRow.account_id, SessionRow.id == HandoffRow.session_id
    )
    query = (
        escalations(
            tenant,
            span,
            TeamRow.id,
            TeamRow.name,
            func.count(),
            _count(_ANSWERED),
            _count(_FAILED),
            _percentile(0.5),
        )
        .join(SessionRow, of_account)
        .outerjoin(TeamRow, TeamRow.id == SessionRow.team_id)
        .group_by(TeamRow.id, TeamRow.name)
        .order_by(func.count().desc(), TeamRow.name)
    )
    return [OfTeam(*row) for row in (await tenant.connection.execute(query)).all()]


async def _hours(tenant: Tenant, span: Span, time_zone: str) -> list[Hour]:
    local = func.timezone(time_zone, HandoffRow.created_at)
    weekday = (cast(func.extract("isodow", local), Integer) - 1).label("weekday")
    hour = cast(func.extract("hour", local), Integer).label("hour")
    query = escalations(tenant, span, weekday, hour, func.count(), _percentile(0.5))
    query = query.group_by("weekday", "hour").order_by("weekday", "hour")
    return [Hour(*row) for row in (await tenant.connection.execute(query)).all()]


async def _loads(tenant: Tenant) -> list[Load]:
    claimer = and_(
        UserRow.account_id == HandoffRow.account_id, UserRow.id == HandoffRow.claimed_by_id
    )
    since = func.min(HandoffRow.claimed_at)
    query = (
        tenant.select(HandoffRow, UserRow.id, UserRow.name, func.count(), since)
        .join(UserRow, claimer)
        .where(HandoffRow.status == HandoffStatus.CLAIMED)
        .group_by(UserRow.id, UserRow.name)
        .order_by(func.count().desc(), UserRow.name, UserRow.id)
    )
    return [Load(*row) for row in (await tenant.connection.execute(query)).all()]


async def _days(tenant: Tenant, span: Span) -> list[Day]:
    numbers = (func.count(), _count(_ANSWERED), _count(_UNANSWERED))
    query = escalations(tenant, span, _DAY, *numbers).group_by("day")
    return [Day(*row) for row in (await tenant.connection.execute(query)).all()]


async def still_waiting(tenant: Tenant, span: Span) -> dict[str, int]:
    """How many of the escalations of a time still wait for a first claim, by their UTC day."""
    query = escalations(tenant, span, _DAY, func.count()).where(_WAITING).group_by("day")
    return {row[0].isoformat(): row[1] for row in (await tenant.connection.execute(query)).all()}
