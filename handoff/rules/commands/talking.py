"""What people say to each other about a handoff: a note to all, a call to one by name."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from handoff.contract.people import Actor, Person
from handoff.contract.record import Record
from handoff.contract.words import EventType, HandoffStatus
from handoff.errors import TooManyCalls, TooManyNotes
from handoff.rules.change import Change, Tells
from handoff.rules.commands.claiming import lease_end
from handoff.rules.commands.requirements import (
    already_claimed,
    must_be,
    must_be_able_to_claim,
    must_be_somebody,
    must_not_be_final,
    must_work_or_have_escalated,
)

MOST_NOTES = 200
MOST_CALLS = 10


def note(
    record: Record,
    actor: Actor,
    now: datetime,
    *,
    text: str,
    files: Sequence[dict[str, Any]] = (),
) -> Change:
    """One more line of the conversation. It changes no state and no timer, but whoever has it and
    writes is at work: their lease begins anew."""
    must_work_or_have_escalated(record, actor)
    must_not_be_final(record)
    if record.note_count >= MOST_NOTES:
        raise TooManyNotes(
            f"It has {MOST_NOTES} notes. Attach the rest to the session, or hand it off again.",
            limit=MOST_NOTES,
        )
    return Change(
        event=EventType.NOTED,
        values={"note_count": record.note_count + 1, **_at_work(record, actor, now)},
        tells=Tells.TALKING,
        details={"text": text} | ({"files": [*files]} if files else {}),
    )


def call(
    record: Record, actor: Actor, now: datetime, *, to: Actor | None, text: str | None
) -> Change:
    """Tells one person now, outside of the rounds: no timer and no right to claim changes."""
    to = must_be_somebody(to)
    must_work_or_have_escalated(record, actor)
    must_not_be_final(record)
    if record.claimed_by is not None:
        raise already_claimed(record)
    must_be(record, HandoffStatus.OPEN)
    must_be_able_to_claim(record, to)
    if record.call_count >= MOST_CALLS:
        raise TooManyCalls(
            f"{MOST_CALLS} people were called by name. Call the next round, or write a note.",
            limit=MOST_CALLS,
        )
    named = Person(to.id, to.name)
    return Change(
        event=EventType.CALLED,
        values={"call_count": record.call_count + 1},
        tells=Tells.NAMED,
        named=named,
        details={"to": {"id": to.id, "name": to.name}, "text": text},
    )


def _at_work(record: Record, actor: Actor, now: datetime) -> dict[str, Any]:
    holds = record.claimed_by is not None and record.claimed_by.id == actor.id
    if not holds or record.lease_until is None:
        return {}
    return {"lease_until": lease_end(record, now), "lease_reminded_at": None}
