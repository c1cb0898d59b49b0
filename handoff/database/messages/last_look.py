"""The last look before messages leave: is what they say still true, may their readers be told?

One conditional statement marks those that may leave; what it does not mark must not leave, and is
settled as skipped. It asks for everything that a message claims, so nothing can change in between.
"""

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    FromClause,
    ScalarSelect,
    Select,
    Text,
    Update,
    Uuid,
    and_,
    bindparam,
    case,
    column,
    func,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.orm import aliased

from handoff.contract.policy import Target
from handoff.contract.record import Record
from handoff.contract.words import (
    UNSETTLED,
    DeliveryState,
    EventType,
    HandoffStatus,
    Role,
    SkipReason,
)
from handoff.database import endpoints
from handoff.database.deliveries import ROUND_EVENTS
from handoff.database.gate import ANY, Tenant
from handoff.database.messages.outbox import Due
from handoff.database.people import LIVING, eligible, matches
from handoff.database.tables import DeliveryRow, EndpointRow, EventRow, HandoffRow, UserRow
from handoff.rules.channels import CHANNELS

_Later = aliased(DeliveryRow)

_OPEN = HandoffRow.status == HandoffStatus.OPEN
_IS_ESCALATOR = DeliveryRow.recipient_id == HandoffRow.escalator_id


async def hold_still(tenant: Tenant, handoff_id: UUID) -> None:
    """From here to the transaction's end nobody changes the handoff: what is asked stays true, and
    its messages are locked after it, as every transition does."""
    await tenant.run(_hold(), handoff=handoff_id)


@cache
def _hold() -> Select[Any]:
    query = ANY.select(HandoffRow, HandoffRow.id).where(HandoffRow.id == bindparam("handoff"))
    return query.with_for_update(read=True)


async def begin_sending(
    tenant: Tenant, about: Due, record: Record, leaving: Mapping[UUID, str]
) -> set[UUID]:
    """Marks those destinations' messages as leaving that are still called for; the others not.

    Args:
        about: any one of the messages: all are about the same event, by the same channel.
        record: the handoff as they tell of it.
        leaving: the Message-ID for each destination.
    """
    targets = record.policy.levels[record.level].targets if about.is_call else ()
    named = {
        "handoff": about.handoff_id,
        "event": about.event_number,
        "on_channel": about.channel,
        "destinations": list(leaving),
    }
    key = (about.event_type, targets, CHANNELS[about.channel].reaches_people)
    marked = await tenant.run(_leaves(*key), ids=list(leaving.values()), **named)
    may = set(marked.scalars())
    if refused := [destination for destination in leaving if destination not in may]:
        await tenant.run(_stays(*key), **{**named, "destinations": refused})
    return may


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
            _still_true(event),
            _still_eligible(event, targets, to_people),
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
        (~_still_eligible(event, targets, to_people), SkipReason.NO_LONGER_ELIGIBLE.value),
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


def _still_true(event: EventType) -> ColumnElement[bool]:
    """Whether the handoff is still what the message says of it.

    What asks somebody to act must not leave once it is too late; what reports an end always may.
    """
    match event:
        case EventType.NOTIFIED | EventType.RE_ESCALATED:
            return and_(_OPEN, ~_is_called_again())
        case EventType.RELEASED:
            return _OPEN
        case EventType.EXHAUSTED:
            return and_(_OPEN, HandoffRow.exhausted_at.is_not(None))
        case EventType.TRANSFERRED:
            return HandoffRow.transfer_to_id == DeliveryRow.recipient_id
        case EventType.REMINDED:
            return or_(
                and_(HandoffRow.status == HandoffStatus.PARKED, _IS_ESCALATOR),
                and_(
                    HandoffRow.status == HandoffStatus.CLAIMED,
                    HandoffRow.claimed_by_id == DeliveryRow.recipient_id,
                ),
            )
        case EventType.CLAIMED:
            return HandoffRow.claimed_by_id == _whose_act()
        case _:
            return true()


def _is_called_again() -> ColumnElement[bool]:
    """Whether a later round calls the same destination: only the current call says what is."""
    return (
        select(_Later.handoff_id)
        .where(
            _Later.account_id == DeliveryRow.account_id,
            _Later.handoff_id == DeliveryRow.handoff_id,
            _Later.destination_id == DeliveryRow.destination_id,
            _Later.channel == DeliveryRow.channel,
            _Later.event_type.in_(ROUND_EVENTS),
            _Later.event_number > DeliveryRow.event_number,
        )
        .exists()
    )


def _whose_act() -> ScalarSelect[UUID | None]:
    """The id of the person who did what the message tells of."""
    event = select(EventRow.actor_id).where(
        EventRow.account_id == DeliveryRow.account_id,
        EventRow.number == DeliveryRow.event_number,
    )
    return event.scalar_subquery()


def _still_eligible(
    event: EventType, targets: tuple[Target, ...], to_people: bool
) -> ColumnElement[bool]:
    """Whether the reader is one who may be told of it, and a call's is still one whom it names."""
    if not to_people:
        place = EndpointRow.id == DeliveryRow.destination_id
        return select(EndpointRow.id).where(place, endpoints.enabled()).exists()
    reader = select(UserRow.id).where(UserRow.id == DeliveryRow.recipient_id)
    match event:
        case EventType.NOTIFIED | EventType.RE_ESCALATED:
            # Of a round that has passed, nobody can say any more whom it would name today.
            passed = DeliveryRow.round != HandoffRow.round
            named = or_(passed, *(matches(target) for target in targets))
            return reader.where(*eligible(), named).exists()
        case EventType.TRANSFERRED:
            return reader.where(*eligible()).exists()
        case EventType.RELEASED:
            return reader.where(*LIVING, or_(_IS_ESCALATOR, and_(*eligible()))).exists()
        case EventType.EXHAUSTED:
            return reader.where(*LIVING, or_(_IS_ESCALATOR, UserRow.role == Role.OWNER)).exists()
        case _:
            return reader.where(*LIVING).exists()
