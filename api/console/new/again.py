"""What is handed off again: what the form says of it before anybody has typed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from api.console.shared import words
from api.console.shared.allowed import living_of, may_hand_off_again
from handoff.contract.people import Actor
from handoff.contract.record import HandoffView
from handoff.contract.words import FINAL
from handoff.database import records
from handoff.database.gate import Tenant
from handoff.database.reading import stories
from handoff.database.reading.told import told
from handoff.errors import NotFound


@dataclass(frozen=True, slots=True)
class Earlier:
    """A handoff as its reader may see it, and what was written about its session.

    Attributes:
        instead: the one whose page is to be seen, where this one may not be handed off again: what
            goes on from it waits or is worked at.
    """

    handoff: HandoffView
    state: str
    session_context: dict[str, Any]
    now: datetime
    instead: UUID | None

    @property
    def named(self) -> list[str]:
        """What the contexts name, the handoff's own first."""
        return list(dict.fromkeys((*(self.handoff.context or {}), *self.session_context)))


async def read_earlier(tenant: Tenant, reader: Actor, handoff_id: UUID) -> Earlier:
    """What may be handed off again.

    Raises:
        NotFound: it is unknown, or another account's.
    """
    found = await records.find_record(tenant, handoff_id)
    if found is None:
        raise NotFound("There is no such handoff, or it is not your account's.")
    record, now = found
    shown = records.view(record, reader_id=reader.id)
    closed_by = (await told(tenant, [handoff_id], notes=False))[handoff_id].closed_by
    others = await stories.kin(tenant, record)
    instead = None
    if not may_hand_off_again(record, others, reader):
        instead = (living_of(others) or record).id if record.status in FINAL else record.id
    return Earlier(
        handoff=shown,
        state=words.state(shown, reader.id, closed_by),
        session_context=await stories.session_context(tenant, record.session_id),
        now=now,
        instead=instead,
    )
