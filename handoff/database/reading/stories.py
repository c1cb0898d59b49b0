"""What the page of one handoff reads beside its record and events: messages, and the session."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from handoff.contract.words import Channel, DeliveryState
from handoff.database.gate import Tenant
from handoff.database.tables import DeliveryRow, SessionRow, UserRow


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one person, and the event that it tells of."""

    event_number: int
    recipient_id: UUID
    name: str
    channel: Channel
    state: DeliveryState
    reason: str | None
    attempts: list[dict[str, Any]]


async def messages(tenant: Tenant, handoff_id: UUID) -> list[Message]:
    """Every message of a handoff, in the order of its events."""
    query = (
        tenant.select(
            DeliveryRow,
            DeliveryRow.event_number,
            DeliveryRow.recipient_id,
            UserRow.name,
            DeliveryRow.channel,
            DeliveryRow.state,
            DeliveryRow.reason,
            DeliveryRow.attempts,
        )
        .join(UserRow, UserRow.id == DeliveryRow.recipient_id)
        .where(DeliveryRow.handoff_id == handoff_id)
        .order_by(
            DeliveryRow.event_number, UserRow.name, DeliveryRow.recipient_id, DeliveryRow.channel
        )
    )
    return [Message(*row) for row in (await tenant.connection.execute(query)).all()]


async def session_context(tenant: Tenant, session_id: UUID) -> dict[str, Any]:
    """What was written about the session itself, whoever holds it."""
    query = tenant.select(SessionRow, SessionRow.context).where(SessionRow.id == session_id)
    return await tenant.connection.scalar(query) or {}
