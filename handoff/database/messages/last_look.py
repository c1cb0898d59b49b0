"""The last look before messages leave: is what they say still true, may their readers be told?

One conditional statement marks those that may leave; what it does not mark must not leave, and is
settled as skipped. It asks for everything that a message claims, so nothing can change in between.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Select,
    Uuid,
    any_,
    bindparam,
    func,
)

from handoff.contract.policy import Target
from handoff.contract.record import Record
from handoff.contract.words import (
    DeliveryState,
    EventType,
    SkipReason,
)
from handoff.database import files
from handoff.database.deliveries import CALLS, ROUND_EVENTS
from handoff.database.gate import ANY, Tenant
from handoff.database.messages.bundles import Led
from handoff.database.messages.marking import leaves, stays
from handoff.database.messages.outbox import Due
from handoff.database.records import find_records
from handoff.database.tables import DeliveryRow, EventRow, HandoffRow, UserRow
from handoff.rules.attention import choices_from_json, wants_to_hear
from handoff.rules.channels import CHANNELS

_WITH_FILES = (*CALLS, EventType.TRANSFERRED, EventType.REMINDED)
"""Messages of these bring the handoff's notes, and what went with them."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A destination's message that wants to leave for this address, as one that bears this id, and
    what it leads."""

    message_id: str
    address: str
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
    """Marks those destinations' messages as leaving that are still called for. The others are
    settled, but for whoever has another address by now: theirs is owed as before, and the next
    reading of what is due finds it.

    What they lead is asked the same, each about itself; all of them at once, for nobody can change
    a handoff of theirs meanwhile.

    Args:
        about: any one of the messages: all are about the same event, by the same channel.
    """
    own = Led(about.handoff_id, about.event_number, about.event_type)
    leaders = [_Asked(own, to, one.message_id, one.address) for to, one in wanted.items()]
    found, may = await _begin(tenant, about.channel, leaders)
    leaving = {to: one for to, one in wanted.items() if (own, to) in may}
    led = [
        _Asked(event, to, one.message_id, one.address)
        for to, one in leaving.items()
        for event in one.led
    ]
    companions, may_be_led = await _begin(tenant, about.channel, led)
    attached: list[dict[str, Any]] = []
    if leaving and about.event_type in _WITH_FILES:
        session = found[own.handoff_id].session_id
        attached = await files.of_handoff(tenant, own.handoff_id, session)
    return {
        to: Leaves(
            found[own.handoff_id],
            tuple(companions[led.handoff_id] for led in one.led if (led, to) in may_be_led),
            await _said(tenant, about, to),
            tuple(attached),
        )
        for to, one in leaving.items()
    }


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


@dataclass(frozen=True, slots=True)
class _Asked:
    """One row of the ledger that wants to leave, by itself or with another one."""

    event: Led
    destination: UUID
    message_id: str
    address: str


async def _begin(
    tenant: Tenant, channel: str, asked: Sequence[_Asked]
) -> tuple[dict[UUID, Record], set[tuple[Led, UUID]]]:
    """Messages by one channel: their handoffs as they stand, and which of them leave, by event and
    destination.

    A handful of statements, however many there are: their handoffs are held meanwhile.
    """
    if not asked:
        return {}, set()
    found, now = await find_records(tenant, {one.event.handoff_id for one in asked})
    to_people = CHANNELS[channel].reaches_people
    unwilling = await _unwilling(tenant, channel, asked, found, now) if to_people else set()
    targets = await _targets(tenant, asked, found)
    alike: defaultdict[_Key, list[_Asked]] = defaultdict(list)
    for one in asked:
        alike[one.event.event_type, targets.get(one.event, ()), to_people].append(one)
    may: set[tuple[Led, UUID]] = set()
    for key, all_of_them in alike.items():
        willing = [one for one in all_of_them if one not in unwilling]
        ids = [one.message_id for one in willing]
        marked = await tenant.run(leaves(*key), ids=ids, **_named(channel, willing))
        left = {(row.event_number, row.destination_id) for row in marked}
        may |= {
            (one.event, one.destination)
            for one in willing
            if (one.event.event_number, one.destination) in left
        }
        refused = [one for one in willing if (one.event, one.destination) not in may]
        choosers = [one for one in all_of_them if one in unwilling]
        for those, choice in ((refused, None), (choosers, SkipReason.OPTED_OUT.value)):
            if those:
                await tenant.run(stays(*key), **_named(channel, those), choice=choice)
    return found, may


_Key = tuple[EventType, tuple[Target, ...], bool]
"""What a message asks of its handoff and its reader."""


def _named(channel: str, asked: Sequence[_Asked]) -> dict[str, Any]:
    """The rows of the ledger as `marking` takes them, column by column."""
    return {
        "on_channel": channel,
        "handoffs": [one.event.handoff_id for one in asked],
        "events": [one.event.event_number for one in asked],
        "destinations": [one.destination for one in asked],
        "addresses": [one.address for one in asked],
    }


async def _targets(
    tenant: Tenant, asked: Sequence[_Asked], found: Mapping[UUID, Record]
) -> dict[Led, tuple[Target, ...]]:
    """Whom a call's level names. Events say which level it was; those of old versions do not."""
    calls = {one.event for one in asked if one.event.event_type in ROUND_EVENTS}
    if not calls:
        return {}
    query = tenant.select(EventRow, EventRow.number, EventRow.data["details"]["level"]).where(
        EventRow.number.in_({call.event_number for call in calls})
    )
    levels = {number: level for number, level in (await tenant.connection.execute(query)).all()}
    named = {}
    for call in calls:
        record, level = found[call.handoff_id], levels.get(call.event_number)
        named[call] = record.policy.levels[record.level if level is None else level].targets
    return named


async def _unwilling(
    tenant: Tenant,
    channel: str,
    asked: Sequence[_Asked],
    found: Mapping[UUID, Record],
    now: datetime,
) -> set[_Asked]:
    """Those whose readers' own choices keep it away at this moment."""
    query = tenant.select(UserRow, UserRow.id, UserRow.notifications).where(
        UserRow.id.in_({one.destination for one in asked}), UserRow.notifications.is_not(None)
    )
    choices = {
        reader.id: choices_from_json(reader.notifications)
        for reader in (await tenant.connection.execute(query)).all()
    }
    return {
        one
        for one in asked
        if one.destination in choices
        and not wants_to_hear(
            choices[one.destination],
            one.event.event_type,
            channel,
            found[one.event.handoff_id].priority,
            now,
            own=one.destination == found[one.event.handoff_id].escalator.id,
        )
    }
