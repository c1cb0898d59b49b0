"""What is said of a handoff to those who read along in a chat: a line of state, a line per event.

Plain text. Each channel escapes it in its own way.
"""

from collections.abc import Callable, Mapping
from typing import Any

from handoff.contract.record import Record
from handoff.contract.words import EventType, HandoffStatus


def state(record: Record) -> str:
    """How it stands."""
    match record.status:
        case HandoffStatus.OPEN if record.exhausted_at is not None:
            return "Nobody answered. It can still be claimed"
        case HandoffStatus.OPEN if record.snoozed_until is not None:
            return "Snoozed"
        case HandoffStatus.OPEN:
            return f"Waiting, round {record.round} of {record.rounds_total}"
        case HandoffStatus.CLAIMED if record.transfer_to is not None:
            return f"{_name(record.claimed_by)} passes it to {record.transfer_to.name}"
        case HandoffStatus.CLAIMED:
            return f"Claimed by {_name(record.claimed_by)}"
        case HandoffStatus.RESOLVED:
            outcome = str(record.outcome or "").replace("_", " ")
            return f"Resolved by {_name(record.claimed_by)}" + (f": {outcome}" if outcome else "")
        case HandoffStatus.PARKED:
            return "Parked"
        case HandoffStatus.CANCELLED:
            return "Cancelled"
        case HandoffStatus.EXPIRED:
            return "Expired: nobody answered"


def facts(record: Record) -> dict[str, str]:
    """What is known of it at a glance, by what it is called."""
    known = {
        "From": record.escalator.name,
        "Priority": record.priority.value,
        "Team": record.team_name,
    }
    return {name: value for name, value in known.items() if value}


def sentence(event: EventType, data: Mapping[str, Any]) -> str | None:
    """What happened, and what was said with it; None for what a chat need not hear.

    `data`: of the event's envelope, as much of it as may leave.
    """
    say = _LINES.get(event)
    if say is None:
        return None
    details = data.get("details") or {}
    words = details.get("text") or details.get("note") or details.get("reason")
    told = say((data.get("actor") or {}).get("name") or "Somebody", data)
    return f"{told}: {words}" if words else f"{told}."


_LINES: Mapping[EventType, Callable[[str, Mapping[str, Any]], str]] = {
    EventType.RE_ESCALATED: lambda who, data: "Nobody has claimed it: the next round",
    EventType.NO_RECIPIENTS: lambda who, data: "Nobody else could be told in this round",
    EventType.EXHAUSTED: lambda who, data: "All rounds have passed, and nobody has claimed it",
    EventType.CLAIMED: lambda who, data: f"{who} has claimed it",
    EventType.RELEASED: lambda who, data: (
        f"{who} has given it back" if data.get("actor") else "It is back in the queue"
    ),
    EventType.RESOLVED: lambda who, data: f"{who} has resolved it",
    EventType.CANCELLED: lambda who, data: f"{who} has cancelled it",
    EventType.EXPIRED: lambda who, data: "It has expired",
    EventType.HURRIED: lambda who, data: f"{who} has called the next round",
    EventType.SNOOZED: lambda who, data: f"{who} has snoozed it",
    EventType.TRANSFERRED: lambda who, data: f"{who} passes it on to {_to(data)}",
    EventType.CALLED: lambda who, data: f"{who} has asked {_to(data)}",
    EventType.CHANGED: lambda who, data: f"{who} has changed it",
    EventType.NOTED: lambda who, data: f"{who} has written",
}


def _to(data: Mapping[str, Any]) -> str:
    named = (data.get("details") or {}).get("to") or data.get("transfer_to") or {}
    return str(named.get("name") or "somebody")


def _name(person: Any) -> str:
    return "somebody" if person is None else str(person.name)
