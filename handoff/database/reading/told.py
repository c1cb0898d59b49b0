"""What handoffs' histories tell about them in a list: who closed each, and what was noted."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from handoff.contract.people import Person
from handoff.contract.words import EventType
from handoff.database.gate import Tenant
from handoff.database.tables import EventRow, UserRow

_CLOSING = (EventType.RESOLVED, EventType.CANCELLED)


@dataclass(slots=True)
class Told:
    """Of one handoff. `closed_by`: None where nobody did. `notes`: whoever may read them, oldest
    first."""

    closed_by: Person | None = None
    notes: list[str] = field(default_factory=list)


async def told(tenant: Tenant, ids: Sequence[UUID]) -> dict[UUID, Told]:
    """By the handoffs' ids."""
    found = {one: Told() for one in ids}
    if not found:
        return found
    text = EventRow.data["details"]["text"].astext.label("text")
    query = (
        tenant.select(EventRow, EventRow.handoff_id, EventRow.type, text, UserRow.id, UserRow.name)
        .outerjoin(UserRow, UserRow.id == EventRow.actor_id)
        .where(EventRow.handoff_id.in_(ids), EventRow.type.in_((*_CLOSING, EventType.NOTED)))
        .order_by(EventRow.number)
    )
    for row in (await tenant.connection.execute(query)).all():
        if row.type is EventType.NOTED:
            found[row.handoff_id].notes.append(row.text or "")
        elif row.id is not None:
            found[row.handoff_id].closed_by = Person(row.id, row.name)
    return found
