"""The last look before messages leave: is what they say still true, may their readers be told?

One conditional statement marks those that may leave; what it does not mark must not leave, and is
settled as skipped. It asks for everything that a message claims, so nothing can change in between.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    FromClause,
    Select,
    Text,
    Update,
    Uuid,
    any_,
    bindparam,
    case,
    column,
    func,
    update,
)

from handoff.contract.policy import Target
from handoff.contract.record import Record
from handoff.contract.words import (
    UNSETTLED,
    DeliveryState,
    EventType,
    HandoffStatus,
    SkipReason,
)
from handoff.database import files
from handoff.database.deliveries import CALLS, ROUND_EVENTS
from handoff.database.gate import ANY, Tenant
from handoff.database.messages.bundles import Led
from handoff.database.messages.outbox import Due
from handoff.database.messages.truth import may_hear, still_true
from handoff.database.records import find_record
from handoff.database.tables import DeliveryRow, EventRow, HandoffRow, UserRow
from handoff.rules.attention import choices_from_json, wants_to_hear
from handoff.rules.channels import CHANNELS

_WITH_FILES = (*CALLS, EventType.TRANSFERRED, EventType.REMINDED)
"""Messages of these bring the handoff's notes, and what went with them."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A destination's message that wants to leave, as one that bears this id, and what it leads."""

    message_id: str
    led: tuple[Led, ...] = ()


class Said(NamedTuple):
    """A note of a handoff's conversation."""

    name: str
    text: str
    files: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Leaves:
    """What a message that may leave has to say: its handoff, and others, as they stand; of a note,
    what was said since the last one that its reader got; of a call, the files that went with it."""

    record: Record
    companions: tuple[Record, ...] = ()
    said: tuple[Said, ...] = ()
    files: tuple[dict[str, Any], ...] = ()


async def hold_still(tenant: Tenant, handoff_ids: Iterable[UUID]) -> None:
    """From here to the transaction's end nobody changes these handoffs: what is asked stays true,
    and their messages are locked after them, as every transition does."""
    await tenant.run(_hold(), handoffs=sorted(set(handoff_ids)))


@cache
def _hold() -> Select[Any]:
    handoffs = any_(bindparam("handoffs", type_=ARRAY(Uuid())))
    query = ANY.select(HandoffRow, HandoffRow.id).where(HandoffRow.id == handoffs)
    return query.order_by(HandoffRow.id).with_for_update(read=True)


async def begin_sending(
    tenant: Tenant, about: Due, wanted: Mapping[UUID, Wanted]
) -> dict[UUID, Leaves]:
    """Marks those destinations' messages as leaving that are still called for; the others not.

    What they lead is asked the same, each about itself.

    Args:
        about: any one of the messages: all are about the same event, by the same channel.
    """
    own = Led(about.handoff_id, about.event_number, about.event_type)
    ids = {destination: message.message_id for destination, message in wanted.items()}
    record, may = await _begin(tenant, about.channel, own, ids)
    attached: list[dict[str, Any]] = []
    if may and about.event_type in _WITH_FILES:
        attached = await files.of_handoff(tenant, record.id, record.session_id)
    return {
        destination: Leaves(
            record,
            await _companions(tenant, about.channel, destination, wanted[destination]),
            await _said(tenant, about, destination),
            tuple(attached),
        )
        for destination in may
    }


async def _companions(
    tenant: Tenant, channel: str, destination: UUID, leader: Wanted
) -> tuple[Record, ...]:
    found = []
    for led in leader.led:
        record, may = await _begin(tenant, channel, led, {destination: leader.message_id})
        if may:
            found.append(record)
    return tuple(found)


async def _said(tenant: Tenant, about: Due, destination: UUID) -> tuple[Said, ...]:
    if about.event_type is not EventType.NOTED:
        return ()
    found = await tenant.run(
        _notes(),
        handoff=about.handoff_id,
        event=about.event_number,
        on_channel=about.channel,
        reader=destination,
    )
    return tuple(
        Said(data["actor"]["name"], details["text"], tuple(details.get("files", ())))
        for data in found.scalars().all()
        if (details := data["details"])
    )


@cache
def _notes() -> Select[Any]:
    """Those of which the reader was to be told since they last were, up to this one."""
    to_reader = ANY.select(DeliveryRow, DeliveryRow.event_number).where(
        DeliveryRow.handoff_id == bindparam("handoff"),
        DeliveryRow.destination_id == bindparam("reader", type_=Uuid()),
        DeliveryRow.channel == bindparam("on_channel"),
        DeliveryRow.event_type == EventType.NOTED,
    )
    sent = to_reader.with_only_columns(func.max(DeliveryRow.event_number)).where(
        DeliveryRow.state == DeliveryState.SENT
    )
    return (
        ANY.select(EventRow, EventRow.data)
        .where(
            EventRow.number.in_(to_reader),
            EventRow.number <= bindparam("event"),
            EventRow.number > func.coalesce(sent.scalar_subquery(), 0),
        )
        .order_by(EventRow.number)
    )


async def _begin(
    tenant: Tenant, channel: str, event: Led, ids: Mapping[UUID, str]
) -> tuple[Record, set[UUID]]:
    """One event's messages by one channel: the handoff as it stands, and who may hear of it."""
    found = await find_record(tenant, event.handoff_id)
    assert found is not None  # noqa: S101 - it is held still
    record, now = found
    named = {"handoff": event.handoff_id, "event": event.event_number, "on_channel": channel}
    to_people = CHANNELS[channel].reaches_people
    targets = await _targets(tenant, event, record)
    key = (event.event_type, targets, to_people)
    unwilling = await _unwilling(tenant, channel, event, record, [*ids], now) if to_people else []
    asked = {destination: name for destination, name in ids.items() if destination not in unwilling}
    marked = await tenant.run(_leaves(*key), ids=[*asked.values()], **named, destinations=[*asked])
    may = set(marked.scalars())
    if refused := [destination for destination in asked if destination not in may]:
        await tenant.run(_stays(*key), **named, destinations=refused, choice=None)
    if unwilling:
        choice = SkipReason.OPTED_OUT.value
        await tenant.run(_stays(*key), **named, destinations=unwilling, choice=choice)
    return record, may


async def _targets(tenant: Tenant, event: Led, record: Record) -> tuple[Target, ...]:
    """Whom a call's level names. Events say which level it was; those of old versions do not."""
    if event.event_type not in ROUND_EVENTS:
        return ()
    query = tenant.select(EventRow, EventRow.data["details"]["level"]).where(
        EventRow.number == event.event_number
    )
    level = await tenant.connection.scalar(query)
    return record.policy.levels[record.level if level is None else level].targets


async def _unwilling(
    tenant: Tenant, channel: str, event: Led, record: Record, readers: list[UUID], now: datetime
) -> list[UUID]:
    """Those whose own choices keep it away at this moment."""
    query = tenant.select(UserRow, UserRow.id, UserRow.notifications).where(
        UserRow.id.in_(readers), UserRow.notifications.is_not(None)
    )
    return [
        reader.id
        for reader in (await tenant.connection.execute(query)).all()
        if not wants_to_hear(
            choices_from_json(reader.notifications),
            event.event_type,
            channel,
            record.priority,
            now,
            own=reader.id == record.escalator.id,
        )
    ]


@lru_cache(maxsize=64)
def _leaves(event: EventType, targets: tuple[Target, ...], to_people: bool) -> Update:
    destinations = bindparam("destinations", type_=ARRAY(Uuid()))
    unnested = func.unnest(destinations, bindparam("ids", type_=ARRAY(Text())))
    wanted = unnested.table_valued(column("destination", Uuid()), column("message", Text()))
    wanted = wanted.render_derived("wanted")
    return (
        update(DeliveryRow)
        .where(
            *_of_these(wanted),
            HandoffRow.id == DeliveryRow.handoff_id,
            still_true(event),
            may_hear(event, targets, to_people),
        )
        .values(
            state=DeliveryState.SENDING,
            message_id=wanted.c.message,
            changed_at=func.clock_timestamp(),
        )
        .returning(DeliveryRow.destination_id)
    )


@lru_cache(maxsize=64)
def _stays(event: EventType, targets: tuple[Target, ...], to_people: bool) -> Update:
    unnested = func.unnest(bindparam("destinations", type_=ARRAY(Uuid())))
    wanted = unnested.table_valued(column("destination", Uuid())).render_derived("wanted")
    reason = case(
        (bindparam("choice", type_=Text()).is_not(None), bindparam("choice", type_=Text())),
        (~may_hear(event, targets, to_people), SkipReason.NO_LONGER_ELIGIBLE.value),
        *((HandoffRow.status == status, why.value) for status, why in _WHY_SKIPPED.items()),
        else_=SkipReason.SUPERSEDED.value,
    )
    return (
        update(DeliveryRow)
        .where(*_of_these(wanted), HandoffRow.id == DeliveryRow.handoff_id)
        .values(state=DeliveryState.SKIPPED, reason=reason, changed_at=func.clock_timestamp())
    )


_WHY_SKIPPED = {
    HandoffStatus.CLAIMED: SkipReason.CLAIMED,
    HandoffStatus.RESOLVED: SkipReason.CLAIMED,
    HandoffStatus.CANCELLED: SkipReason.CANCELLED,
}


def _of_these(wanted: FromClause) -> tuple[ColumnElement[bool], ...]:
    return (
        DeliveryRow.account_id == ANY.account_id,
        DeliveryRow.handoff_id == bindparam("handoff"),
        DeliveryRow.event_number == bindparam("event"),
        DeliveryRow.channel == bindparam("on_channel"),
        DeliveryRow.destination_id == wanted.c.destination,
        DeliveryRow.state.in_(UNSETTLED),
    )
