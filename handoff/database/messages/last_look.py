"""The last look before a mail leaves: is it still called for, and may its reader still be told?"""

from sqlalchemy import ColumnElement, and_, func, select, true, update

from handoff.contract.messages import MailBatch
from handoff.contract.words import DeliveryState, EventType, HandoffStatus, SkipReason
from handoff.database.gate import Tenant
from handoff.database.messages.outbox import DueMail, in_batch
from handoff.database.people import LIVING, eligible
from handoff.database.tables import DeliveryRow, HandoffRow, UserRow


async def begin_sending(
    tenant: Tenant, batch: MailBatch, mail: DueMail, *, message_id: str
) -> bool:
    """The last look before a mail leaves, as one conditional statement.

    False when the handoff no longer calls for it, or the person may no longer be told: then it
    has been settled as skipped, and must not leave.
    """
    wanted = (
        update(DeliveryRow)
        .where(*_is(tenant, batch, mail), _still_called_for(mail), _still_eligible(mail))
        .values(
            state=DeliveryState.SENDING, message_id=message_id, changed_at=func.clock_timestamp()
        )
    )
    if (await tenant.connection.execute(wanted)).rowcount == 1:
        return True
    await _skip(tenant, batch, mail)
    return False


def _still_called_for(mail: DueMail) -> ColumnElement[bool]:
    """Whether the handoff is still in the state that the mail speaks of.

    What asks somebody to act must not leave once it is too late; what reports an end always may.
    """
    wanted = _wanted_state(mail)
    if wanted is None:
        return true()
    return select(HandoffRow.id).where(HandoffRow.id == DeliveryRow.handoff_id, wanted).exists()


def _wanted_state(mail: DueMail) -> ColumnElement[bool] | None:
    is_open = HandoffRow.status == HandoffStatus.OPEN
    match mail.event_type:
        case EventType.NOTIFIED | EventType.RE_ESCALATED | EventType.RELEASED:
            return is_open
        case EventType.EXHAUSTED:
            return and_(is_open, HandoffRow.exhausted_at.is_not(None))
        case EventType.TRANSFERRED:
            return HandoffRow.transfer_to_id == mail.recipient_id
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


def _still_eligible(mail: DueMail) -> ColumnElement[bool]:
    rights = eligible() if mail.is_call else LIVING
    return select(UserRow.id).where(UserRow.id == mail.recipient_id, *rights).exists()


_WHY_SKIPPED = {
    HandoffStatus.CLAIMED: SkipReason.CLAIMED,
    HandoffStatus.RESOLVED: SkipReason.CLAIMED,
    HandoffStatus.CANCELLED: SkipReason.CANCELLED,
}


async def _skip(tenant: Tenant, batch: MailBatch, mail: DueMail) -> None:
    query = tenant.select(HandoffRow, HandoffRow.status, _still_eligible(mail).label("eligible"))
    row = (await tenant.connection.execute(query.where(HandoffRow.id == batch.handoff_id))).one()
    reason = _WHY_SKIPPED.get(row.status, SkipReason.SUPERSEDED)
    if not row.eligible:
        reason = SkipReason.NO_LONGER_ELIGIBLE
    await tenant.connection.execute(
        update(DeliveryRow)
        .where(*_is(tenant, batch, mail))
        .values(
            state=DeliveryState.SKIPPED,
            reason=reason.value,
            changed_at=func.clock_timestamp(),
        )
    )


def _is(tenant: Tenant, batch: MailBatch, mail: DueMail) -> tuple[ColumnElement[bool], ...]:
    return (
        DeliveryRow.account_id == tenant.account_id,
        DeliveryRow.recipient_id == mail.recipient_id,
        *in_batch(batch),
    )
