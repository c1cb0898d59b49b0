"""What the page of one handoff reads beside its record and events: messages, and the session."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from handoff.contract.words import DeliveryState
from handoff.database.deliveries import destination_name
from handoff.database.gate import Tenant
from handoff.database.tables import DeliveryRow, EndpointRow, SessionRow, UserRow


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One message to one destination, and the event that it tells of."""

    event_number: int
    destination_id: UUID
    name: str
    channel: str
    state: DeliveryState
    reason: str | None
    attempts: list[dict[str, Any]]


async def messages(tenant: Tenant, handoff_id: UUID) -> list[LedgerLine]:
    """Every message of a handoff, in the order of its events."""
    name = destination_name()
    query = (
        tenant.select(
            DeliveryRow,
            DeliveryRow.event_number,
            DeliveryRow.destination_id,
            name,
            DeliveryRow.channel,
            DeliveryRow.state,
            DeliveryRow.reason,
            DeliveryRow.attempts,
        )
        .outerjoin(UserRow, UserRow.id == DeliveryRow.recipient_id)
        .outerjoin(EndpointRow, EndpointRow.id == DeliveryRow.endpoint_id)
        .where(DeliveryRow.handoff_id == handoff_id)
        .order_by(DeliveryRow.event_number, name, DeliveryRow.destination_id, DeliveryRow.channel)
    )
    return [LedgerLine(*row) for row in (await tenant.connection.execute(query)).all()]


async def session_context(tenant: Tenant, session_id: UUID) -> dict[str, Any]:
    """What was written about the session itself, whoever holds it."""
    query = tenant.select(SessionRow, SessionRow.context).where(SessionRow.id == session_id)
    return await tenant.connection.scalar(query) or {}
