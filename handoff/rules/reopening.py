"""Back to the queue: what a release, an ended lease and a lapsed transfer have in common."""

from datetime import datetime
from typing import Any

from handoff.contract.record import Record
from handoff.contract.words import EventType, HandoffStatus, Intent, SessionStatus, SkipReason
from handoff.rules.change import Change, Tells

NOT_WAITING: dict[str, Any] = {
    "deadline_at": None,
    "snoozed_until": None,
    "expires_at": None,
    "transfer_to": None,
    "transfer_until": None,
    "lease_until": None,
    "lease_reminded_at": None,
}
"""Nothing is due any more."""


def from_the_first_round(record: Record, now: datetime) -> dict[str, Any]:
    """The whole policy lies before it again, and its first round is due."""
    return {
        "level": 0,
        "level_round": 0,
        "round": 0,
        "rounds_total": record.policy.rounds_total,
        "deadline_at": now,
        "exhausted_at": None,
    }


def reopen(
    record: Record, now: datetime, event: EventType, details: dict[str, Any] | None = None
) -> Change:
    """From claimed back to open: a release, an ended lease or a lapsed transfer."""
    return Change(
        event=event,
        values={
            **NOT_WAITING,
            "status": HandoffStatus.OPEN,
            "claimed_by": None,
            "claimed_at": None,
            "intent": Intent.ESCALATE,
            "escalated_at": now if record.intent is Intent.PARK else record.escalated_at,
            **from_the_first_round(record, now),
        },
        session={"status": SessionStatus.ESCALATED, "holder_id": record.escalator.id},
        skips=SkipReason.SUPERSEDED,
        tells=Tells.TOLD,
        details=details or {},
    )
