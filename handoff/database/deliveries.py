"""The ledger of messages: one row per event, person and channel, with every attempt."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    BindParameter,
    Row,
    ScalarSelect,
    Select,
    Update,
    bindparam,
    func,
    or_,
    text,
    tuple_,
    update,
)

from handoff.contract.record import Record
from handoff.contract.words import UNSETTLED, Channel, DeliveryState, EventType
from handoff.database.gate import Gate, Tenant
from handoff.database.tables import DeliveryRow, EventRow, UserRow

ROUND_EVENTS = (EventType.NOTIFIED, EventType.RE_ESCALATED)
"""Mails of these are calls for help, and a claim stops them. All others only report."""

ALONE_UP_TO = 25
"""Up to so many mails of an event, each has an activity of its own, for the audit's sake."""

BATCH_SIZE = 50
"""Beyond that, an activity sends so many: 5,000 recipients stay far below Temporal's limits."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A message to be: to whom, how, and whether the person has opted out of it."""

    recipient_id: UUID
    channel: Channel
    opted_out: bool = False


_INSERT = text(
    """
    INSERT INTO deliveries (account_id, handoff_id, event_number, event_type, round,
                            recipient_id, channel, state, reason, batch)
    SELECT :account_id, :handoff_id, :event_number, :event_type, :round, planned.*
    FROM unnest(CAST(:recipients AS uuid[]), CAST(:channels AS text[]), CAST(:states AS text[]),
                CAST(:reasons AS text[]), CAST(:batches AS integer[])) AS planned
    """
)


async def plan(
    tenant: Tenant, record: Record, event: EventType, number: int, messages: Sequence[Planned]
) -> None:
    """Writes the ledger's rows of one event, in one statement whatever their number."""
    if not messages:
        return
    await tenant.connection.execute(
        _INSERT,
        {
            "account_id": tenant.account_id,
            "handoff_id": record.id,
            "event_number": number,
            "event_type": event.value,
            "round": record.round,
            "recipients": [message.recipient_id for message in messages],
            "channels": [message.channel.value for message in messages],
            "states": ["skipped" if message.opted_out else "queued" for message in messages],
            "reasons": ["opted_out" if message.opted_out else None for message in messages],
            "batches": _batches(messages),
        },
    )


def _batches(messages: Sequence[Planned]) -> list[int]:
    """Numbers the mails by the activity that sends them; batch 0 holds what nobody sends."""
    mails = [_is_mail(message) for message in messages]
    size = 1 if sum(mails) <= ALONE_UP_TO else BATCH_SIZE
    order = count()
    return [next(order) // size + 1 if mail else 0 for mail in mails]


def _is_mail(message: Planned) -> bool:
    return message.channel is Channel.EMAIL and not message.opted_out


def skipping(gate: Gate, written: CTE) -> Update:
    """Calls for help that have not left will not leave any more, if the handoff is `written`.

    The bound value `skip_reason` says why.

    One that is `sending` is in the mail server's hands already: its own attempt settles it.
    """
    return (
        update(DeliveryRow)
        .where(
            DeliveryRow.account_id == gate.account_id,
            DeliveryRow.handoff_id == written.c.id,
            DeliveryRow.event_type.in_(ROUND_EVENTS),
            DeliveryRow.channel == Channel.EMAIL,
            DeliveryRow.state.in_([state for state in UNSETTLED if state != DeliveryState.SENDING]),
        )
        .values(state=DeliveryState.SKIPPED, reason=bindparam("skip_reason"), changed_at=func.now())
    )


def told_by_mail(gate: Gate, handoff_id: BindParameter[UUID]) -> Select[Any]:
    """The ids of those whom a call for help has, or may have, reached by mail."""
    return gate.select(DeliveryRow, DeliveryRow.recipient_id).where(
        DeliveryRow.handoff_id == handoff_id,
        DeliveryRow.event_type.in_(ROUND_EVENTS),
        DeliveryRow.channel == Channel.EMAIL,
        or_(
            DeliveryRow.state.in_([DeliveryState.SENT, DeliveryState.SENDING]),
            DeliveryRow.attempts.contains([{"outcome": DeliveryState.AMBIGUOUS.value}]),
        ),
    )


def unsettled(gate: Gate, handoff_id: BindParameter[UUID]) -> ScalarSelect[Any]:
    """The mails that still have something to happen to them, by the activity that sends them.

    `[[event number, batch, how many mails], …]` as JSON, or null when there are none.
    """
    by = (DeliveryRow.account_id, DeliveryRow.event_number, DeliveryRow.batch)
    batches = (
        gate.select(DeliveryRow, *by, func.count().label("mails"))
        .where(
            DeliveryRow.handoff_id == handoff_id,
            DeliveryRow.channel == Channel.EMAIL,
            DeliveryRow.state.in_(UNSETTLED),
        )
        .group_by(*by)
        .subquery()
    ).c
    one = func.jsonb_build_array(batches.event_number, batches.batch, batches.mails)
    return gate.select(batches, func.jsonb_agg(one)).scalar_subquery()


async def mark_published(tenant: Tenant, handoff_id: UUID, numbers: Sequence[int]) -> None:
    """Redis took the pushes of these events."""
    await tenant.connection.execute(
        update(DeliveryRow)
        .where(
            DeliveryRow.account_id == tenant.account_id,
            DeliveryRow.handoff_id == handoff_id,
            DeliveryRow.event_number.in_(numbers),
            DeliveryRow.channel == Channel.PUSH,
            DeliveryRow.state == DeliveryState.QUEUED,
        )
        .values(state=DeliveryState.PUBLISHED, changed_at=func.now())
    )


async def mark_seen(tenant: Tenant, recipient_id: UUID, numbers: Sequence[int]) -> None:
    """A live client of theirs showed them the pushes of these events. Twice is once."""
    # By handoff, because that is how the ledger's key begins.
    named = tenant.select(EventRow, EventRow.handoff_id, EventRow.number).where(
        EventRow.number.in_(numbers)
    )
    await tenant.connection.execute(
        update(DeliveryRow)
        .where(
            DeliveryRow.account_id == tenant.account_id,
            tuple_(DeliveryRow.handoff_id, DeliveryRow.event_number).in_(named),
            DeliveryRow.recipient_id == recipient_id,
            DeliveryRow.channel == Channel.PUSH,
            DeliveryRow.state.in_([DeliveryState.QUEUED, DeliveryState.PUBLISHED]),
        )
        .values(state=DeliveryState.SEEN, changed_at=func.now())
    )


async def ledger(tenant: Tenant, handoff_id: UUID) -> list[Row[Any]]:
    """Every message of a handoff with its recipient, in the order of its events."""
    query = (
        tenant.select(
            DeliveryRow,
            DeliveryRow.recipient_id,
            UserRow.name,
            UserRow.email,
            DeliveryRow.channel,
            DeliveryRow.event_type,
            DeliveryRow.round,
            DeliveryRow.state,
            DeliveryRow.reason,
            DeliveryRow.message_id,
            DeliveryRow.attempts,
        )
        .join(UserRow, UserRow.id == DeliveryRow.recipient_id)
        .where(DeliveryRow.handoff_id == handoff_id)
        .order_by(DeliveryRow.event_number, UserRow.name, DeliveryRow.channel)
    )
    return list((await tenant.connection.execute(query)).all())
