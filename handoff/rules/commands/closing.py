"""How it ends: resolved by whoever has it, or taken back."""

from datetime import datetime

from handoff.contract.people import Actor
from handoff.contract.record import Record
from handoff.contract.words import EventType, HandoffStatus, Outcome, SessionStatus, SkipReason
from handoff.errors import Forbidden
from handoff.rules.change import Change, Tells
from handoff.rules.commands.requirements import (
    already_claimed,
    did,
    must_be,
    must_hold_or_lead,
    must_not_be_final,
    must_work,
    must_work_or_have_escalated,
)
from handoff.rules.reopening import NOT_WAITING
from handoff.rules.roles import LEADING_ROLES


def resolve(
    record: Record, actor: Actor, now: datetime, *, outcome: Outcome, note: str | None
) -> Change | None:
    """Final, with an outcome."""
    must_work(actor)
    if did(record, actor, EventType.RESOLVED):
        return None
    must_not_be_final(record)
    must_be(record, HandoffStatus.CLAIMED)
    must_hold_or_lead(record, actor)
    return Change(
        event=EventType.RESOLVED,
        values={
            **NOT_WAITING,
            "status": HandoffStatus.RESOLVED,
            "outcome": outcome,
            "resolution_note": note,
            "resolved_at": now,
        },
        session={"status": SessionStatus.ACTIVE},
        tells=Tells.TOLD,
        details={"outcome": outcome.value, "note": note},
    )


def cancel(record: Record, actor: Actor, now: datetime, *, reason: str | None) -> Change | None:
    """Final. The session goes back to the escalator. Once claimed, only for admins and owners."""
    must_work_or_have_escalated(record, actor)
    if did(record, actor, EventType.CANCELLED):
        return None
    leads = actor.role in LEADING_ROLES
    if record.escalator.id != actor.id and not leads:
        raise Forbidden("Only the one who handed off, an admin or an owner can cancel.")
    must_not_be_final(record)
    if record.status is HandoffStatus.CLAIMED and not leads:
        raise already_claimed(record)
    return Change(
        event=EventType.CANCELLED,
        values={**NOT_WAITING, "status": HandoffStatus.CANCELLED, "resolved_at": now},
        session={"status": SessionStatus.ACTIVE, "holder_id": record.escalator.id},
        skips=SkipReason.CANCELLED,
        tells=Tells.TOLD,
        details={"reason": reason},
    )
