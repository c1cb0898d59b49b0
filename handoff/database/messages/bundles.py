"""Bursts: while many handoffs come within a minute, a person's mails are collected into one.

The first call for help goes out at once. Later ones of the next minute wait a few seconds for
company; then one of them leads, and its mail names the others too. Urgent calls never wait.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, text, update
from sqlalchemy.orm import aliased

from handoff.contract.messages import MailBatch
from handoff.contract.words import UNSETTLED, Channel, DeliveryState, HandoffStatus, Priority
from handoff.database.gate import Tenant
from handoff.database.messages.outbox import DueMail, MailAttempt
from handoff.database.tables import DeliveryRow, HandoffRow, SessionRow

WAITING = "bundled"
"""The reason that a waiting mail's row shows."""

LOOK_AGAIN = timedelta(seconds=1)

_Other = aliased(DeliveryRow)


@dataclass(frozen=True, slots=True)
class Companion:
    """Another handoff that the leading mail names."""

    handoff_id: UUID
    session_id: UUID
    title: str
    priority: Priority


@dataclass(frozen=True, slots=True)
class Turn:
    """Whether it is this mail's turn: after `wait`, or now, with whomever it leads."""

    wait: timedelta | None = None
    companions: tuple[Companion, ...] = ()


async def take_turn(tenant: Tenant, batch: MailBatch, mail: DueMail, *, delay: timedelta) -> Turn:
    """Decides for one mail of a burst. One person's mails decide one after the other."""
    await tenant.connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:person, 0))"),
        {"person": str(mail.recipient_id)},
    )
    if await _is_led(tenant, batch, mail):
        return Turn(wait=LOOK_AGAIN)
    left = mail.queued_at + delay - datetime.now(UTC)
    if left > timedelta(0):
        await tenant.connection.execute(
            update(DeliveryRow).where(*_own(tenant, batch, mail)).values(reason=WAITING)
        )
        return Turn(wait=left)
    return Turn(companions=await _gather(tenant, batch, mail))


def _own(tenant: Tenant, batch: MailBatch, mail: DueMail) -> tuple[ColumnElement[bool], ...]:
    return (
        DeliveryRow.account_id == tenant.account_id,
        DeliveryRow.handoff_id == batch.handoff_id,
        DeliveryRow.event_number == batch.event_number,
        DeliveryRow.recipient_id == mail.recipient_id,
        DeliveryRow.channel == Channel.EMAIL,
        DeliveryRow.state.in_(UNSETTLED),
    )


async def _is_led(tenant: Tenant, batch: MailBatch, mail: DueMail) -> bool:
    """Whether another mail is about to speak for this one.

    A leader that was stopped, or that has to be tried again, sets free whom it led.
    """
    leader = select(_Other.state).where(
        _Other.account_id == DeliveryRow.account_id,
        _Other.event_number == DeliveryRow.led_by,
        _Other.recipient_id == DeliveryRow.recipient_id,
        _Other.channel == Channel.EMAIL,
    )
    query = tenant.select(DeliveryRow, leader.scalar_subquery().label("state"))
    state = await tenant.connection.scalar(query.where(*_own(tenant, batch, mail)))
    return state in (DeliveryState.QUEUED, DeliveryState.SENDING)


async def _gather(tenant: Tenant, batch: MailBatch, mail: DueMail) -> tuple[Companion, ...]:
    """Takes the lead of everything else that waits for this person."""
    waiting = (
        DeliveryRow.account_id == tenant.account_id,
        DeliveryRow.recipient_id == mail.recipient_id,
        DeliveryRow.channel == Channel.EMAIL,
        DeliveryRow.state == DeliveryState.QUEUED,
        DeliveryRow.reason == WAITING,
        DeliveryRow.handoff_id != batch.handoff_id,
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
        .values(led_by=batch.event_number)
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
    tenant: Tenant, batch: MailBatch, mail: DueMail, attempt: MailAttempt, *, message_id: str
) -> None:
    """The leading mail was taken: it spoke for all that it led."""
    await tenant.connection.execute(
        update(DeliveryRow)
        .where(
            DeliveryRow.account_id == tenant.account_id,
            DeliveryRow.recipient_id == mail.recipient_id,
            DeliveryRow.channel == Channel.EMAIL,
            DeliveryRow.led_by == batch.event_number,
            DeliveryRow.state == DeliveryState.QUEUED,
        )
        .values(
            state=DeliveryState.SENT,
            reason=None,
            message_id=message_id,
            attempts=attempt.entry(),
            changed_at=func.clock_timestamp(),
        )
    )
