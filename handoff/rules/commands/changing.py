"""What it is about, set right: how urgent, whose, and what it is called."""

from datetime import datetime, timedelta
from typing import Any

from handoff.contract.people import Actor
from handoff.contract.record import Record
from handoff.contract.words import EventType, HandoffStatus, Priority
from handoff.errors import Forbidden, Invalid
from handoff.rules.change import Change
from handoff.rules.commands.requirements import (
    must_not_be_final,
    must_work_or_have_escalated,
)
from handoff.rules.roles import LEADING_ROLES

FIELDS = {"priority": "priority", "title": "session_title", "team_id": "team_id"}
"""What may be set right, by the record's names."""


def change(
    record: Record,
    actor: Actor,
    now: datetime,
    *,
    to: dict[str, Any],
    team: dict[str, Any] | None = None,
) -> Change | None:
    """A higher priority brings the next round forward; a lower one changes only waits to come.

    Args:
        to: some of `FIELDS`.
        team: the one that it names, `{id, name}`.
    """
    if to.get("team_id") is not None:
        must_be_a_team(team)
    must_work_or_have_escalated(record, actor)
    holds = record.claimed_by is not None and record.claimed_by.id == actor.id
    if not holds and record.escalator.id != actor.id and actor.role not in LEADING_ROLES:
        raise Forbidden(
            "Only who handed it off, who has claimed it, an admin or an owner can change it."
        )
    must_not_be_final(record)
    was = {name: getattr(record, FIELDS[name]) for name in to}
    new = {name: value for name, value in to.items() if value != was[name]}
    if not new:
        return None
    details = {name: {"from": was[name], "to": value} for name, value in new.items()}
    if "team_id" in new:
        details["team"] = {"to": team}
    priority = new.pop("priority", None)
    return Change(
        event=EventType.CHANGED,
        values={} if priority is None else _priority(record, priority, now),
        session=new,
        details=details,
    )


def must_be_a_team(team: object | None) -> None:
    """What the account has of this id; None where it has no such team."""
    if team is None:
        fault = {"path": "body/team_id", "message": "no such team", "type": "unknown_team"}
        raise Invalid("`team_id` must be a team of this account.", errors=[fault])


def _priority(record: Record, priority: Priority, now: datetime) -> dict[str, Any]:
    """Never later than the new priority's own wait from now, and never later than it was."""
    values: dict[str, Any] = {"priority": priority}
    waits = record.status is HandoffStatus.OPEN and record.snoozed_until is None
    louder = priority.urgency > record.priority.urgency
    if louder and waits and record.deadline_at is not None:
        wait = record.policy.levels[record.level].waits[priority]
        values["deadline_at"] = min(record.deadline_at, now + timedelta(seconds=wait))
    return values
