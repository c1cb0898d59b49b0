"""What handoffs' histories tell about them in a list: who closed each, and what was noted."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import func

from handoff.contract.people import Person
from handoff.contract.words import EventType
from handoff.database.gate import Tenant
from handoff.database.tables import EventRow, UserRow

LINES, CHARACTERS = 2000, 4000
"""How many are read at most, and how much of each: conversations may have megabytes."""

_CLOSING = (EventType.RESOLVED, EventType.CANCELLED)


@dataclass(slots=True)
class Told:
    """Of one handoff. `closed_by`: None where nobody did. `notes`: whoever may read them, oldest
    first."""

    closed_by: Person | None = None
    notes: list[str] = field(default_factory=list)


async def told(tenant: Tenant, ids: Sequence[UUID], *, notes: bool) -> dict[UUID, Told]:
    """By the handoffs' ids; with the beginnings of their notes, where these are asked for."""
    found = {one: Told() for one in ids}
    if not found:
        return found
    text = func.left(EventRow.data["details"]["text"].astext, CHARACTERS).label("text")
    kinds = (*_CLOSING, EventType.NOTED) if notes else _CLOSING
    query = (
        tenant.select(EventRow, EventRow.handoff_id, EventRow.type, text, UserRow.id, UserRow.name)
        .outerjoin(UserRow, UserRow.id == EventRow.actor_id)
        .where(EventRow.handoff_id.in_(ids), EventRow.type.in_(kinds))
        .order_by(EventRow.type == EventType.NOTED, EventRow.number)
        .limit(LINES)
    )
    for row in (await tenant.connection.execute(query)).all():
        if row.type is EventType.NOTED:
            found[row.handoff_id].notes.append(row.text or "")
        elif row.id is not None:
            found[row.handoff_id].closed_by = Person(row.id, row.name)
    return found
