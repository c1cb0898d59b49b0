"""Bursts: while many handoffs come within a minute, a person's messages are collected into one.

The first call for help goes out at once. Later ones of the next minute wait a few seconds for
company; then one of them leads, and its message names the others too. Urgent calls never wait.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, func, literal, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import aliased

from handoff.contract.words import UNSETTLED, DeliveryState, HandoffStatus, Priority
from handoff.database.gate import Tenant
from handoff.database.messages.outbox import Due, LedgerAttempt, row_of
from handoff.database.tables import DeliveryRow, HandoffRow, SessionRow

WAITING = "bundled"
"""The reason that a waiting message's row shows."""

LOOK_AGAIN = timedelta(seconds=1)

_Other = aliased(DeliveryRow)


@dataclass(frozen=True, slots=True)
class Companion:
    """Another handoff that the leading message names."""

    handoff_id: UUID
    session_id: UUID
    title: str
    priority: Priority


@dataclass(frozen=True, slots=True)
class Turn:
    """Whether it is this message's turn: after `wait`, or now, with whomever it leads."""

    wait: timedelta | None = None
    companions: tuple[Companion, ...] = ()


async def take_turn(tenant: Tenant, message: Due, *, delay: timedelta) -> Turn:
    """Decides for one message of a burst. A destination's decide one after the other."""
    await tenant.connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:destination, 0))"),
        {"destination": str(message.destination_id)},
    )
    if await _is_led(tenant, message):
        return Turn(wait=LOOK_AGAIN)
    left = message.queued_at + delay - datetime.now(UTC)
    if left > timedelta(0):
        await tenant.connection.execute(
            update(DeliveryRow).where(*_own(tenant, message)).values(reason=WAITING)
        )
        return Turn(wait=left)
    return Turn(companions=await _gather(tenant, message))


def _own(tenant: Tenant, message: Due) -> tuple[ColumnElement[bool], ...]:
    return (
        DeliveryRow.account_id == tenant.account_id,
        *row_of(message),
        DeliveryRow.state.in_(UNSETTLED),
    )


async def _is_led(tenant: Tenant, message: Due) -> bool:
    """Whether another message is about to speak for this one.

    A leader that was stopped, or that has to be tried again, sets free whom it led.
    """
    leader = select(_Other.state).where(
        _Other.account_id == DeliveryRow.account_id,
        _Other.event_number == DeliveryRow.led_by,
        _Other.destination_id == DeliveryRow.destination_id,
        _Other.channel == DeliveryRow.channel,
    )
    query = tenant.select(DeliveryRow, leader.scalar_subquery().label("state"))
    state = await tenant.connection.scalar(query.where(*_own(tenant, message)))
    return state in (DeliveryState.QUEUED, DeliveryState.SENDING)


async def _gather(tenant: Tenant, message: Due) -> tuple[Companion, ...]:
    """Takes the lead of everything else that waits for this destination."""
    waiting = (
        DeliveryRow.account_id == tenant.account_id,
        DeliveryRow.destination_id == message.destination_id,
        DeliveryRow.channel == message.channel,
        DeliveryRow.state == DeliveryState.QUEUED,
        DeliveryRow.reason == WAITING,
        DeliveryRow.handoff_id != message.handoff_id,
        DeliveryRow.handoff_id.in_(
            select(HandoffRow.id).where(
                HandoffRow.account_id == tenant.account_id,
                HandoffRow.status == HandoffStatus.OPEN,
            )
        ),
    )
    led = await tenant.connection.execute(
        update(DeliveryRow)
        .where(*waiting)
        .values(led_by=message.event_number)
        .returning(DeliveryRow.handoff_id)
    )
    return await _companions(tenant, list(led.scalars()))


async def _companions(tenant: Tenant, handoff_ids: list[UUID]) -> tuple[Companion, ...]:
    if not handoff_ids:
        return ()
    columns = (HandoffRow.id, HandoffRow.session_id, HandoffRow.priority, SessionRow.title)
    query = (
        tenant.select(HandoffRow, *columns)
        .join(SessionRow, SessionRow.id == HandoffRow.session_id)
        .where(HandoffRow.id.in_(handoff_ids))
        .order_by(HandoffRow.urgency.desc(), HandoffRow.created_at)
    )
    rows = (await tenant.connection.execute(query)).all()
    return tuple(Companion(row.id, row.session_id, row.title, row.priority) for row in rows)


async def settle_led(
    tenant: Tenant, message: Due, attempt: LedgerAttempt, *, message_id: str
) -> None:
    """The leading message was taken: it spoke for all that it led."""
    await tenant.connection.execute(
        update(DeliveryRow)
        .where(
            DeliveryRow.account_id == tenant.account_id,
            DeliveryRow.destination_id == message.destination_id,
            DeliveryRow.channel == message.channel,
            DeliveryRow.led_by == message.event_number,
            DeliveryRow.state == DeliveryState.QUEUED,
        )
        .values(
            state=DeliveryState.SENT,
            reason=None,
            message_id=message_id,
            attempts=DeliveryRow.attempts.op("||")(literal(attempt.entries(), JSONB)),
            changed_at=func.clock_timestamp(),
        )
    )
