"""Who has been called for what: for the lists, for a row's "why", and for the calls that ring."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, func

from handoff.contract.words import DeliveryState, HandoffStatus
from handoff.database.deliveries import ASKING, CALLS, ROUND_EVENTS
from handoff.database.gate import Tenant
from handoff.database.tables import DeliveryRow, HandoffRow, SessionRow, UserRow
from handoff.rules.channels import PUSH

_REACHED = (DeliveryState.QUEUED, DeliveryState.PUBLISHED, DeliveryState.SEEN)


@dataclass(frozen=True, slots=True)
class Call:
    """A call for help that reaches somebody now. `number` is the event's: each call once."""

    handoff_id: UUID
    number: int
    title: str
    priority: str
    caller: str
    round: int


def has_called(tenant: Tenant, user_id: UUID) -> ColumnElement[bool]:
    """Whether this person has been asked to act on the handoff: called, or named.

    Asked of each handoff by itself: what somebody was ever told of only grows.
    """
    calls = tenant.select(DeliveryRow, DeliveryRow.handoff_id).where(
        DeliveryRow.handoff_id == HandoffRow.id,
        DeliveryRow.destination_id == user_id,
        DeliveryRow.event_type.in_(ASKING),
    )
    return calls.correlate(HandoffRow).exists()


async def told(tenant: Tenant, user_id: UUID, ids: Sequence[UUID]) -> dict[UUID, int]:
    """The last round in which this person was called, by handoff."""
    query = (
        tenant.select(DeliveryRow, DeliveryRow.handoff_id, func.max(DeliveryRow.round))
        .where(
            DeliveryRow.destination_id == user_id,
            DeliveryRow.handoff_id.in_(ids),
            DeliveryRow.event_type.in_(ROUND_EVENTS),
        )
        .group_by(DeliveryRow.handoff_id)
    )
    return {row[0]: row[1] for row in (await tenant.connection.execute(query)).all()}


async def calls(tenant: Tenant, user_id: UUID) -> list[Call]:
    """The open handoffs for which this person is called by push, and has not opted out of it."""
    number = func.max(DeliveryRow.event_number).label("number")
    query = (
        tenant.select(
            DeliveryRow,
            DeliveryRow.handoff_id,
            number,
            SessionRow.title,
            HandoffRow.priority,
            UserRow.name.label("caller"),
            HandoffRow.round,
        )
        .join(HandoffRow, HandoffRow.id == DeliveryRow.handoff_id)
        .join(SessionRow, SessionRow.id == HandoffRow.session_id)
        .join(UserRow, UserRow.id == HandoffRow.escalator_id)
        .where(
            DeliveryRow.destination_id == user_id,
            DeliveryRow.channel == PUSH.name,
            DeliveryRow.event_type.in_(CALLS),
            DeliveryRow.state.in_(_REACHED),
            HandoffRow.status == HandoffStatus.OPEN,
        )
        .group_by(
            DeliveryRow.handoff_id,
            SessionRow.title,
            HandoffRow.priority,
            UserRow.name,
            HandoffRow.round,
        )
        .order_by(number)
    )
    return [Call(*row) for row in (await tenant.connection.execute(query)).all()]
