"""What it waits for: parked becomes open, a wait ends at once or is put off."""

from datetime import datetime

from handoff.contract.people import Actor
from handoff.contract.record import Record
from handoff.contract.words import EventType, HandoffStatus, Intent, SessionStatus
from handoff.errors import Forbidden, RoundPassed
from handoff.rules.change import Change
from handoff.rules.commands.requirements import (
    already_claimed,
    did,
    must_be,
    must_not_be_final,
    must_work,
    must_work_or_have_escalated,
)
from handoff.rules.reopening import from_the_first_round


def promote(record: Record, actor: Actor, now: datetime) -> Change | None:
    """Parked becomes open; it keeps its id and history."""
    must_work(actor)
    if record.escalator.id != actor.id:
        raise Forbidden("Only the one who parked it can promote it.")
    must_not_be_final(record)
    if record.status is HandoffStatus.OPEN and did(record, actor, EventType.PROMOTED):
        return None
    must_be(record, HandoffStatus.PARKED)
    return Change(
        event=EventType.PROMOTED,
        values={
            "status": HandoffStatus.OPEN,
            "intent": Intent.ESCALATE,
            "escalated_at": now,
            "deadline_at": now,
            "remind_at": None,
        },
        session={"status": SessionStatus.ESCALATED},
    )


def escalate_now(record: Record, actor: Actor, now: datetime, *, round: int) -> Change | None:
    """Ends the present wait, or starts the policy anew where every round has run. Refused when the
    round that the caller saw has passed."""
    must_work_or_have_escalated(record, actor)
    must_not_be_final(record)
    if record.claimed_by is not None:
        raise already_claimed(record)
    must_be(record, HandoffStatus.OPEN)
    if record.round != round:
        raise RoundPassed(f"Round {record.round} is running by now.", round=record.round)
    if record.deadline_at is None:
        anew = {**from_the_first_round(record, now), "expires_at": None}
        return Change(event=EventType.HURRIED, values=anew)
    if record.deadline_at <= now:
        return None
    return Change(event=EventType.HURRIED, values={"deadline_at": now, "snoozed_until": None})


def snooze(record: Record, actor: Actor, now: datetime, *, until: datetime) -> Change | None:
    """Pauses the timers until a time, then starts a fresh round, even after the last one."""
    must_work(actor)
    must_not_be_final(record)
    if record.claimed_by is not None:
        raise already_claimed(record)
    must_be(record, HandoffStatus.OPEN)
    if record.snoozed_until == until:
        return None
    return Change(
        event=EventType.SNOOZED,
        values={
            "snoozed_until": until,
            "deadline_at": until,
            "exhausted_at": None,
            "expires_at": None,
            "rounds_total": max(record.rounds_total, record.round + 1),
        },
        details={"until": until},
    )
