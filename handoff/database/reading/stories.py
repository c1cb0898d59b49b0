"""What the page of one handoff reads beside its record and events: messages, and the session."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import or_

from handoff.contract.record import Record
from handoff.contract.words import DeliveryState
from handoff.database.deliveries import destination_name
from handoff.database.gate import Tenant
from handoff.database.records import records, to_record
from handoff.database.tables import DeliveryRow, EndpointRow, HandoffRow, SessionRow, UserRow


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


MOST = 10_000
"""Messages that a page tells of: those of the newest events."""


async def messages(tenant: Tenant, handoff_id: UUID, *, since: int) -> list[LedgerLine]:
    """A handoff's messages from the event `since` on, the newest events first, by name."""
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
        .where(DeliveryRow.handoff_id == handoff_id, DeliveryRow.event_number >= since)
        .order_by(
            DeliveryRow.event_number.desc(), name, DeliveryRow.destination_id, DeliveryRow.channel
        )
        .limit(MOST)
    )
    return [LedgerLine(*row) for row in (await tenant.connection.execute(query)).all()]


async def session_context(tenant: Tenant, session_id: UUID) -> dict[str, Any]:
    """What was written about the session itself, whoever holds it."""
    query = tenant.select(SessionRow, SessionRow.context).where(SessionRow.id == session_id)
    return await tenant.connection.scalar(query) or {}


MOST_KIN = 20


async def kin(tenant: Tenant, record: Record) -> list[Record]:
    """What else was handed off of the same session, of the one that it carries on and of those that
    carry it on; the newest ones, oldest first."""
    own = tenant.select(SessionRow, SessionRow.follows_id).where(SessionRow.id == record.session_id)
    query = (
        records(tenant)
        .where(
            HandoffRow.id != record.id,
            or_(
                SessionRow.id.in_((record.session_id, own.scalar_subquery())),
                SessionRow.follows_id == record.session_id,
            ),
        )
        .order_by(HandoffRow.created_at.desc(), HandoffRow.id.desc())
        .limit(MOST_KIN)
    )
    rows = (await tenant.connection.execute(query)).all()
    return [to_record(row) for row in reversed(rows)]
