"""What it is about, set right: how urgent, whose, and what it is called."""

from datetime import datetime, timedelta
from typing import Any

from handoff.contract.people import Actor
from handoff.contract.record import Record
from handoff.contract.words import EventType, HandoffStatus, Priority
from handoff.errors import Forbidden
from handoff.rules.change import Change
from handoff.rules.commands.requirements import must_not_be_final, must_work
from handoff.rules.roles import LEADING_ROLES


def change(record: Record, actor: Actor, now: datetime, *, to: dict[str, Any]) -> Change | None:
    """A higher priority brings the next round forward; a lower one changes only waits to come.

    Args:
        to: some of `priority`, `title`, and `team` as `{id, name}` or None.
    """
    must_work(actor)
    holds = record.claimed_by is not None and record.claimed_by.id == actor.id
    if not holds and record.escalator.id != actor.id and actor.role not in LEADING_ROLES:
        raise Forbidden(
            "Only who handed it off, who has claimed it, an admin or an owner can change it."
        )
    must_not_be_final(record)
    team = to.get("team")
    new = {
        **({"priority": to["priority"]} if "priority" in to else {}),
        **({"session_title": to["title"]} if "title" in to else {}),
        **({"team_id": team["id"] if team else None} if "team" in to else {}),
    }
    new = {name: value for name, value in new.items() if getattr(record, name) != value}
    if not new:
        return None
    details: dict[str, Any] = {
        name: {"from": getattr(record, field), "to": new[field]}
        for field, name in (("priority", "priority"), ("session_title", "title"))
        if field in new
    }
    if "team_id" in new:
        details["team"] = {"to": team}
    return Change(
        event=EventType.CHANGED,
        values=_priority(record, new["priority"], now) if "priority" in new else {},
        session={
            column: new[field]
            for field, column in (("session_title", "title"), ("team_id", "team_id"))
            if field in new
        },
        details=details,
    )


def _priority(record: Record, priority: Priority, now: datetime) -> dict[str, Any]:
    """Never later than the new priority's own wait from now, and never later than it was."""
    values: dict[str, Any] = {"priority": priority}
    waits = record.status is HandoffStatus.OPEN and record.snoozed_until is None
    louder = priority.urgency > record.priority.urgency
    if louder and waits and record.deadline_at is not None:
        wait = record.policy.levels[record.level].waits[priority]
        values["deadline_at"] = min(record.deadline_at, now + timedelta(seconds=wait))
    return values
