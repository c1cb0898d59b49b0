"""Bursts: while many handoffs come within a minute, a person's messages are collected into one.

The first call for help goes out at once. Later ones of the next minute wait a few seconds for
company; then one of them leads, and its message names the others too. Urgent calls never wait.

Who leads whom is decided once, before the first attempt: a message that is tried again says what
its first copy said, under the same Message-ID, and nothing more.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, literal, or_, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import aliased

from handoff.contract.words import UNSETTLED, DeliveryState, EventType, HandoffStatus
from handoff.database.gate import Tenant
from handoff.database.messages.outbox import Due, row_of
from handoff.database.messages.settling import LedgerAttempt
from handoff.database.tables import DeliveryRow, HandoffRow

WAITING = "bundled"
"""The reason that a waiting message's row shows. Nobody else may lead one that does not show it."""

LOOK_AGAIN = timedelta(seconds=1)

_Leader = aliased(DeliveryRow)


@dataclass(frozen=True, slots=True)
class Led:
    """A message of the same destination for which the leading one speaks."""

    handoff_id: UUID
    event_number: int
    event_type: EventType


@dataclass(frozen=True, slots=True)
class Turn:
    """Whether it is this message's turn: after `wait`, or now, with whom it leads."""

    wait: timedelta | None = None
    led: tuple[Led, ...] = ()


async def take_turn(tenant: Tenant, message: Due, *, delay: timedelta) -> Turn:
    """Decides for one message of a burst. A destination's decide one after the other."""
    await tenant.connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:destination, 0))"),
        {"destination": str(message.destination_id)},
    )
    if await _is_led(tenant, message):
        return Turn(wait=LOOK_AGAIN)
    if message.has_begun:
        return Turn(led=await _led_by(tenant, message))
    left = message.queued_at + delay - message.now
    await _mark(tenant, message, WAITING if left > timedelta(0) else None)
    if left > timedelta(0):
        return Turn(wait=left)
    await _gather(tenant, message)
    return Turn(led=await _led_by(tenant, message))


async def _mark(tenant: Tenant, message: Due, reason: str | None) -> None:
    """Whether it waits for company. One whose turn has come is nobody's company any more."""
    await tenant.connection.execute(
        update(DeliveryRow).where(*_own(tenant, message)).values(reason=reason)
    )


def _own(tenant: Tenant, message: Due) -> tuple[ColumnElement[bool], ...]:
    return (
        DeliveryRow.account_id == tenant.account_id,
        *row_of(message),
        DeliveryRow.state.in_(UNSETTLED),
    )


async def _is_led(tenant: Tenant, message: Due) -> bool:
    """Whether another message speaks for this one, now or when it is tried again.

    A leader that was stopped, or has failed for good, sets free whom it led.
    """
    query = tenant.select(DeliveryRow, _living_leader(tenant).exists())
    return bool(await tenant.connection.scalar(query.where(*_own(tenant, message))))


def _living_leader(tenant: Tenant) -> Select[Any]:
    """The outer query's message's leader, while it has something to happen to it."""
    return select(_Leader.handoff_id).where(
        _Leader.account_id == tenant.account_id,
        _Leader.event_number == DeliveryRow.led_by,
        _Leader.destination_id == DeliveryRow.destination_id,
        _Leader.channel == DeliveryRow.channel,
        _Leader.state.in_(UNSETTLED),
    )


async def _gather(tenant: Tenant, message: Due) -> None:
    """Takes the lead of everything else that waits for this destination and is led by nobody."""
    living = select(HandoffRow.id).where(
        HandoffRow.account_id == tenant.account_id, HandoffRow.status == HandoffStatus.OPEN
    )
    await tenant.connection.execute(
        update(DeliveryRow)
        .where(
            DeliveryRow.account_id == tenant.account_id,
            DeliveryRow.destination_id == message.destination_id,
            DeliveryRow.channel == message.channel,
            DeliveryRow.state == DeliveryState.QUEUED,
            DeliveryRow.reason == WAITING,
            DeliveryRow.handoff_id != message.handoff_id,
            DeliveryRow.handoff_id.in_(living),
            or_(DeliveryRow.led_by.is_(None), ~_living_leader(tenant).exists()),
        )
        .values(led_by=message.event_number)
    )


def _by(tenant: Tenant, message: Due) -> tuple[ColumnElement[bool], ...]:
    """What this message leads and what is not settled yet."""
    return (
        DeliveryRow.account_id == tenant.account_id,
        DeliveryRow.destination_id == message.destination_id,
        DeliveryRow.channel == message.channel,
        DeliveryRow.led_by == message.event_number,
        DeliveryRow.state.in_(UNSETTLED),
    )


async def _led_by(tenant: Tenant, message: Due) -> tuple[Led, ...]:
    columns = (DeliveryRow.handoff_id, DeliveryRow.event_number, DeliveryRow.event_type)
    query = tenant.select(DeliveryRow, *columns).where(*_by(tenant, message))
    rows = (await tenant.connection.execute(query.order_by(DeliveryRow.event_number))).all()
    return tuple(Led(*row) for row in rows)


async def settle_led(tenant: Tenant, message: Due, attempt: LedgerAttempt) -> None:
    """What became of the leading message became of all for which it spoke.

    Where it was refused for good they are free, and each is tried by itself.
    """
    if attempt.state is DeliveryState.FAILED:
        attempt = replace(attempt, state=DeliveryState.RETRYING)
    await tenant.connection.execute(
        update(DeliveryRow)
        .where(*_by(tenant, message))
        .values(
            state=attempt.state,
            reason=attempt.reason,
            attempts=DeliveryRow.attempts.op("||")(literal(attempt.entries(), JSONB)),
            changed_at=func.clock_timestamp(),
        )
    )
