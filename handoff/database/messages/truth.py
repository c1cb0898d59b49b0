"""What messages claim, as conditions on a row of the ledger: is it true still, may its reader hear?

Subqueries of a delivery and its handoff, which the last look joins. Nothing here runs a query.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, ScalarSelect, and_, literal, not_, or_, select, true
from sqlalchemy.orm import aliased

from handoff.contract.policy import Target
from handoff.contract.words import EventType, HandoffStatus, Role
from handoff.database import endpoints
from handoff.database.deliveries import ROUND_EVENTS
from handoff.database.people import PEOPLE, matches
from handoff.database.records import IS_PRIVATE
from handoff.database.tables import DeliveryRow, EndpointRow, EventRow, HandoffRow, UserRow
from handoff.rules.roles import WORKING_ROLES

_Later = aliased(DeliveryRow)

_OPEN = HandoffRow.status == HandoffStatus.OPEN
_CLAIMED = HandoffRow.status == HandoffStatus.CLAIMED
_IS_ESCALATOR = DeliveryRow.recipient_id == HandoffRow.escalator_id


def still_true(event: EventType) -> ColumnElement[bool]:
    """Whether the handoff is still what the message says of it, and no later message says it anew.

    What asks somebody to act must not leave once it is too late; what reports an end always may.
    """
    match event:
        case EventType.NOTIFIED | EventType.RE_ESCALATED:
            # A release counts rounds anew.
            so_far = DeliveryRow.round <= HandoffRow.round
            return and_(_OPEN, so_far, ~_is_said_again(ROUND_EVENTS))
        case EventType.RELEASED:
            # What was parked is parked again by an undone claim.
            waits = HandoffRow.status.in_((HandoffStatus.OPEN, HandoffStatus.PARKED))
            return and_(waits, ~_is_said_again((event,)))
        case EventType.EXHAUSTED:
            is_exhausted = HandoffRow.exhausted_at.is_not(None)
            return and_(_OPEN, is_exhausted, ~_is_said_again((event,)))
        case EventType.TRANSFERRED:
            named = HandoffRow.transfer_to_id == DeliveryRow.recipient_id
            is_place = DeliveryRow.recipient_id.is_(None)
            told = or_(named, and_(is_place, HandoffRow.transfer_to_id.is_not(None)))
            return and_(_CLAIMED, told, ~_is_said_again((event,)))
        case EventType.REMINDED:
            reader_acts = or_(_waits_for_its_parker(), _waits_for_its_claimer())
            return and_(reader_acts, ~_is_said_again((event,)))
        case EventType.CALLED:
            return and_(_OPEN, ~_is_said_again((event,)))
        case EventType.NOTED:
            # What was noted while it was parked stays its parker's.
            return and_(or_(not_(IS_PRIVATE), _IS_ESCALATOR), ~_is_said_again((event,)))
        case EventType.CLAIMED:
            by = HandoffRow.claimed_by_id == _whose_act()
            return and_(_CLAIMED, by, ~_is_said_again((event,)))
        case _:
            return true()


def _waits_for_its_parker() -> ColumnElement[bool]:
    return and_(HandoffRow.status == HandoffStatus.PARKED, _IS_ESCALATOR)


def _waits_for_its_claimer() -> ColumnElement[bool]:
    """Until they do something about it: that moves the lease, and with it the reminder."""
    return and_(
        _CLAIMED,
        HandoffRow.claimed_by_id == DeliveryRow.recipient_id,
        HandoffRow.lease_reminded_at.is_not(None),
    )


def _is_said_again(events: Sequence[EventType]) -> ColumnElement[bool]:
    """Whether a later message tells the same destination the like: only that one says what is."""
    return (
        select(_Later.handoff_id)
        .where(
            _Later.account_id == DeliveryRow.account_id,
            _Later.handoff_id == DeliveryRow.handoff_id,
            _Later.destination_id == DeliveryRow.destination_id,
            _Later.channel == DeliveryRow.channel,
            _Later.event_type.in_(events),
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


def may_hear(event: EventType, targets: tuple[Target, ...], to_people: bool) -> ColumnElement[bool]:
    """Whether the reader is one who may be told of it, and a call's is still one whom it names."""
    if not to_people:
        place = EndpointRow.id == DeliveryRow.destination_id
        return select(EndpointRow.id).where(place, endpoints.enabled()).exists()
    reader = select(UserRow.id).where(UserRow.id == DeliveryRow.recipient_id, *PEOPLE)
    working = UserRow.role.in_(WORKING_ROLES)
    match event:
        case EventType.NOTIFIED | EventType.RE_ESCALATED:
            return reader.where(working, or_(*(matches(target) for target in targets))).exists()
        case EventType.TRANSFERRED | EventType.CALLED:
            return reader.where(working).exists()
        case EventType.EXHAUSTED:
            return reader.where(or_(_IS_ESCALATOR, UserRow.role == Role.OWNER)).exists()
        case _:
            return reader.where(or_(_IS_ESCALATOR, working)).exists()


def has_moved(address: ColumnElement[str], to_people: bool) -> ColumnElement[bool]:
    """Whether the destination's address is another one than the one that a message leaves for."""
    if to_people:
        is_it, present = UserRow.id == DeliveryRow.recipient_id, UserRow.email
    else:
        is_it, present = EndpointRow.id == DeliveryRow.endpoint_id, EndpointRow.address
    table = UserRow if to_people else EndpointRow
    ours = table.account_id == DeliveryRow.account_id
    return select(literal(1)).where(ours, is_it, present.is_distinct_from(address)).exists()
