"""Whether something stalls: what the auditor found, and what PostgreSQL alone can tell.

Over all accounts, for readiness and the auditor. Nothing here serves an account's request.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from handoff.contract.words import RETRIED, DeliveryState, EventType, HandoffStatus
from handoff.database.deliveries import lost_answers, one_by_one
from handoff.database.gate import Database
from handoff.database.tables import AuditRow, DeliveryRow, EventRow, HandoffRow
from handoff.rules.causes import SYSTEM_FAULTS
from handoff.rules.channels import CHANNELS, Channel

SHOWN = 20

IN_VAIN, CLOCK = "accepted_in_vain", "clock"
NOTICES = (IN_VAIN, CLOCK)
"""Findings that somebody should know of, while everything does its work."""

IN_VAIN_AT_MOST = timedelta(days=2)
"""So long after it was accepted, what became of it is still told."""

CLOCK_FORGIVEN, NOTHING = timedelta(seconds=1), timedelta(0)

STANDSTILL = 3
"""So many messages wait with nobody beside them whom one has reached: no recipient's trouble."""


LOST_IN_A_ROW = 2
"""So many answers were lost with none between them: no accident of one connection."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not go on by itself."""

    kind: str
    handoff_id: UUID | None
    detail: str


async def overdue(database: Database, *, grace: timedelta) -> list[Finding]:
    """Open handoffs whose next round should have started long ago."""
    query = (
        select(HandoffRow.id)
        .where(
            HandoffRow.status == HandoffStatus.OPEN,
            HandoffRow.deadline_at < func.clock_timestamp() - grace,
        )
        .order_by(HandoffRow.deadline_at)
        .limit(SHOWN)
    )
    async with database.engine_room() as connection:
        found = (await connection.scalars(query)).all()
    return [Finding("overdue_round", handoff_id, "its next round is late") for handoff_id in found]


async def late_steps(database: Database, *, grace: timedelta, limit: int) -> list[Finding]:
    """Living handoffs whose next step, whatever it is, should have been taken long ago; of more
    than can be named some at random, so that each has its turn."""
    late = func.clock_timestamp() - grace
    query = (
        select(HandoffRow.id)
        .where(
            or_(
                and_(
                    HandoffRow.status == HandoffStatus.OPEN,
                    func.coalesce(HandoffRow.deadline_at, HandoffRow.expires_at) < late,
                ),
                and_(
                    HandoffRow.status == HandoffStatus.CLAIMED,
                    func.coalesce(HandoffRow.transfer_until, HandoffRow.lease_until) < late,
                ),
                and_(
                    HandoffRow.status == HandoffStatus.PARKED,
                    HandoffRow.reminded_at.is_(None),
                    HandoffRow.remind_at < late,
                ),
            )
        )
        .order_by(func.random())
        .limit(limit)
    )
    async with database.engine_room() as connection:
        found = (await connection.scalars(query)).all()
    return [Finding("late_step", handoff_id, "its next step is late") for handoff_id in found]


async def accepted_in_vain(database: Database, *, within: timedelta) -> list[Finding]:
    """Handoffs that were answered 202 lately and ended when they came to be recorded."""
    details = EventRow.data["details"]
    query = (
        select(HandoffRow.id)
        .join(EventRow, EventRow.handoff_id == HandoffRow.id)
        .where(
            # Ids begin with the time: one page of the index instead of all that was ever closed.
            HandoffRow.id > _id_of(datetime.now(UTC) - IN_VAIN_AT_MOST),
            HandoffRow.status == HandoffStatus.CANCELLED,
            HandoffRow.last_actor_id.is_(None),
            HandoffRow.resolved_at > func.clock_timestamp() - within,
            EventRow.type == EventType.CANCELLED,
            details["accepted"].as_boolean(),
        )
        .limit(SHOWN)
    )
    async with database.engine_room() as connection:
        found = (await connection.scalars(query)).all()
    return [Finding(IN_VAIN, one, "accepted, and nobody was called for it") for one in found]


def _id_of(moment: datetime) -> UUID:
    """The least id that was made at this moment, or later."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


async def clock_ahead(database: Database) -> timedelta:
    """By how much this machine's clock is ahead of PostgreSQL's, which decides; less than zero
    where it is behind. What the question may have taken on its way is not held against it."""
    async with database.glance() as connection:
        await connection.execute(select(1))
        asked = datetime.now(UTC)
        theirs: datetime = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
        answered = datetime.now(UTC)
    if asked <= theirs <= answered:
        return timedelta(0)
    return asked - theirs if theirs < asked else answered - theirs


def clock_trouble(whose: str, ahead: timedelta) -> str | None:
    """In words, if it is worth a word."""
    if abs(ahead) < CLOCK_FORGIVEN:
        return None
    where = "ahead of" if ahead > NOTHING else "behind"
    return f"{whose} clock is {abs(ahead).total_seconds():.1f} s {where} PostgreSQL's"


async def stalled_messages(
    database: Database, *, grace: timedelta, longest_pause: timedelta
) -> list[Finding]:
    """Messages that nobody has touched for long although something should happen to them.

    `longest_pause`: between two attempts at one that is tried again.
    """
    late = func.clock_timestamp() - grace
    theirs = [row.name for row in CHANNELS.values() if row.each_its_own]
    query = (
        select(DeliveryRow.handoff_id)
        .where(
            one_by_one(),
            # A program may ask for longer pauses; its message is of a closed handoff, whose
            # workflow is looked after.
            DeliveryRow.channel.not_in(theirs),
            or_(
                and_(
                    DeliveryRow.state.in_([DeliveryState.QUEUED, DeliveryState.SENDING]),
                    DeliveryRow.changed_at < late,
                ),
                and_(
                    DeliveryRow.state.in_(RETRIED),
                    DeliveryRow.changed_at < late - longest_pause,
                ),
            ),
        )
        .distinct()
        .limit(SHOWN)
    )
    async with database.engine_room() as connection:
        found = (await connection.scalars(query)).all()
    return [Finding("dead_delivery", handoff_id, "a message of it stalls") for handoff_id in found]


async def channel_trouble(database: Database, channel: Channel, *, within: timedelta) -> str | None:
    """The cause that keeps a channel's messages from leaving at present, if it is the system's.

    It is when a cause says so by itself, and when several wait of events of which none left.
    """
    one, other = DeliveryRow, aliased(DeliveryRow)
    left = (
        select(other.handoff_id)
        .where(
            other.handoff_id == one.handoff_id,
            other.event_number == one.event_number,
            other.channel == one.channel,
            other.state == DeliveryState.SENT,
        )
        .exists()
    )
    system = one.reason.in_([cause.value for cause in SYSTEM_FAULTS])
    query = select(
        func.max(one.reason).filter(system).label("system"),
        func.max(one.reason).filter(~left).label("some"),
        func.count().filter(~left).label("waiting"),
        func.coalesce(func.sum(lost_answers(one.attempts)).filter(~left), 0).label("lost"),
    ).where(
        one.channel == channel.name,
        one.state.in_(RETRIED),
        one.changed_at > func.clock_timestamp() - within,
    )
    async with database.engine_room() as connection:
        row = (await connection.execute(query)).one()
    stands_still = row.waiting >= STANDSTILL or row.lost >= LOST_IN_A_ROW
    found: str | None = row.system or (row.some if stands_still else None)
    return found


async def keep_audit(database: Database, findings: list[Finding], restarted: int) -> None:
    """The latest audit; there is only ever one."""
    values: dict[str, Any] = {
        "at": func.clock_timestamp(),
        "restarted": restarted,
        "findings": [
            {"kind": f.kind, "handoff_id": str(f.handoff_id or ""), "detail": f.detail}
            for f in findings
        ],
    }
    statement = insert(AuditRow).values(id=1, **values)
    async with database.engine_room() as connection:
        await connection.execute(
            statement.on_conflict_do_update(index_elements=["id"], set_=values)
        )


@dataclass(frozen=True, slots=True)
class Audit:
    """What the auditor saw last."""

    at: datetime
    age: timedelta
    findings: list[dict[str, Any]]


async def latest_audit(database: Database) -> Audit | None:
    """None before the first one."""
    age = (func.clock_timestamp() - AuditRow.at).label("age")
    async with database.engine_room() as connection:
        row = (await connection.execute(select(AuditRow.at, age, AuditRow.findings))).one_or_none()
    return None if row is None else Audit(row.at, row.age, row.findings)
