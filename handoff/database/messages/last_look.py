"""The last look before a message leaves: is it still called for, may its reader still be told?"""

from sqlalchemy import ColumnElement, and_, func, select, true, update

from handoff.contract.words import UNSETTLED, DeliveryState, EventType, HandoffStatus, SkipReason
from handoff.database import endpoints
from handoff.database.gate import Tenant
from handoff.database.messages.outbox import Due, row_of
from handoff.database.people import LIVING, eligible
from handoff.database.tables import DeliveryRow, EndpointRow, HandoffRow, UserRow


async def begin_sending(tenant: Tenant, message: Due, *, message_id: str) -> bool:
    """The last look before a message leaves, as one conditional statement.

    False when the handoff no longer calls for it, or nobody may be told there any more: then it
    has been settled as skipped, and must not leave.
    """
    wanted = (
        update(DeliveryRow)
        .where(*_unsettled(tenant, message), _still_called_for(message), _still_eligible(message))
        .values(
            state=DeliveryState.SENDING, message_id=message_id, changed_at=func.clock_timestamp()
        )
    )
    if (await tenant.connection.execute(wanted)).rowcount == 1:
        return True
    await _skip(tenant, message)
    return False


def _still_called_for(message: Due) -> ColumnElement[bool]:
    """Whether the handoff is still in the state that the message speaks of.

    What asks somebody to act must not leave once it is too late; what reports an end always may.
    """
    wanted = _wanted_state(message)
    if wanted is None:
        return true()
    return select(HandoffRow.id).where(HandoffRow.id == DeliveryRow.handoff_id, wanted).exists()


def _wanted_state(message: Due) -> ColumnElement[bool] | None:
    is_open = HandoffRow.status == HandoffStatus.OPEN
    match message.event_type:
        case EventType.NOTIFIED | EventType.RE_ESCALATED | EventType.RELEASED:
            return is_open
        case EventType.EXHAUSTED:
            return and_(is_open, HandoffRow.exhausted_at.is_not(None))
        case EventType.TRANSFERRED:
            return HandoffRow.transfer_to_id == message.recipient_id
        case EventType.REMINDED:
            return HandoffRow.status.in_((HandoffStatus.PARKED, HandoffStatus.CLAIMED))
        case EventType.CLAIMED | EventType.RESOLVED | EventType.CANCELLED | EventType.EXPIRED:
            return None
        case (
            EventType.CREATED
            | EventType.PARKED
            | EventType.NO_RECIPIENTS
            | EventType.PROMOTED
            | EventType.HURRIED
            | EventType.SNOOZED
            | EventType.DELIVERY_FAILED
        ):
            return None  # No mail tells of these.


def _still_eligible(message: Due) -> ColumnElement[bool]:
    if message.recipient_id is None:
        place = EndpointRow.id == message.destination_id
        return select(EndpointRow.id).where(place, endpoints.enabled()).exists()
    rights = eligible() if message.is_call else LIVING
    return select(UserRow.id).where(UserRow.id == message.recipient_id, *rights).exists()


_WHY_SKIPPED = {
    HandoffStatus.CLAIMED: SkipReason.CLAIMED,
    HandoffStatus.RESOLVED: SkipReason.CLAIMED,
    HandoffStatus.CANCELLED: SkipReason.CANCELLED,
}


async def _skip(tenant: Tenant, message: Due) -> None:
    query = tenant.select(HandoffRow, HandoffRow.status, _still_eligible(message).label("eligible"))
    row = (await tenant.connection.execute(query.where(HandoffRow.id == message.handoff_id))).one()
    reason = _WHY_SKIPPED.get(row.status, SkipReason.SUPERSEDED)
    if not row.eligible:
        reason = SkipReason.NO_LONGER_ELIGIBLE
    await tenant.connection.execute(
        update(DeliveryRow)
        .where(*_unsettled(tenant, message))
        .values(
            state=DeliveryState.SKIPPED,
            reason=reason.value,
            changed_at=func.clock_timestamp(),
        )
    )


def _unsettled(tenant: Tenant, message: Due) -> tuple[ColumnElement[bool], ...]:
    return (
        DeliveryRow.account_id == tenant.account_id,
        *row_of(message),
        DeliveryRow.state.in_(UNSETTLED),
    )
