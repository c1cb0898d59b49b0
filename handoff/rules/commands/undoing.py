"""A claim that was a slip of the hand, taken back at once: everything is as it was before it."""

from datetime import datetime, timedelta
from typing import Any

from handoff.contract.people import Actor
from handoff.contract.record import Record
from handoff.contract.words import EventType, HandoffStatus, SessionStatus
from handoff.errors import WrongState
from handoff.rules.change import Change, Tells
from handoff.rules.commands.requirements import did, must_be
from handoff.rules.reopening import NOT_WAITING

WITHIN = timedelta(seconds=60)
"""Afterwards a release is one: with a fresh round 1."""

_TIMES = ("deadline_at", "snoozed_until", "expires_at")


def before(record: Record) -> dict[str, Any] | None:
    """What a claim changes, as it is now. None of one that passes from hand to hand."""
    if record.claimed_by is not None:
        return None
    times = {name: getattr(record, name) for name in _TIMES}
    return {
        "status": record.status.value,
        "was_claimed": record.first_claimed_at is not None,
        **{name: at.isoformat() if at else None for name, at in times.items()},
    }


def undo_claim(record: Record, actor: Actor, now: datetime) -> Change | None:
    """Round and deadline are kept; those who were told of the claim are told of this, too."""
    if record.claimed_by is None and did(record, actor, EventType.RELEASED):
        return None
    must_be(record, HandoffStatus.CLAIMED)
    was = record.before_claim
    is_own = record.claimed_by is not None and record.claimed_by.id == actor.id
    is_last = did(record, actor, EventType.CLAIMED)
    late = record.claimed_at is None or now - record.claimed_at > WITHIN
    if was is None or late or not (is_own and is_last):
        raise WrongState(
            "Only a claim of your own of the last minute can be undone. Release it instead.",
            handoff_status=record.status.value,
        )
    parked = was["status"] == HandoffStatus.PARKED
    return Change(
        event=EventType.RELEASED,
        values={
            **NOT_WAITING,
            **{name: datetime.fromisoformat(was[name]) if was[name] else None for name in _TIMES},
            **({} if was["was_claimed"] else _NEVER_CLAIMED),
            "status": HandoffStatus(was["status"]),
            "claimed_by": None,
            "claimed_at": None,
            "before_claim": None,
        },
        session={
            "status": SessionStatus.PARKED if parked else SessionStatus.ESCALATED,
            "holder_id": record.escalator.id,
        },
        revives=True,
        tells=Tells.TOLD,
        details={"reason": "the claim was undone", "undone": True},
    )


_NEVER_CLAIMED = {
    "first_claimed_at": None,
    "first_claimed_by_id": None,
    "first_claimed_round": None,
    "first_claimed_level": None,
}
