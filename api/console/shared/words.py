"""The console's sentences: states, events and times as a person would say them. No HTML here."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from api.schemas import texts
from handoff.contract.messages import Envelope
from handoff.contract.people import Person
from handoff.contract.record import HandoffView
from handoff.contract.words import Command, HandoffStatus
from handoff.rules.channels import CHANNELS

PRIORITY = {"urgent": "Urgent", "high": "High", "normal": "Normal", "low": "Low"}
OUTCOME = {
    "fixed": "Fixed",
    "workaround": "Workaround",
    "needs_customer": "Needs the customer",
    "duplicate": "Duplicate",
    "not_reproducible": "Not reproducible",
    "other": "Other",
}
NOTES_BYTES, SAID_BYTES = texts.NOTES_BYTES, texts.SAID_BYTES

COMMAND = {
    Command.CLAIM: "Claim",
    Command.RESOLVE: "Resolve",
    Command.TRANSFER: "Pass it on",
    Command.RELEASE: "Give it back",
    Command.PROMOTE: "Escalate it",
    Command.ESCALATE_NOW: "Call the next round now",
    Command.CALL: "Ask somebody",
    Command.CHANGE: "Change",
    Command.SNOOZE: "Snooze",
    Command.CANCEL: "Cancel",
}
"""What stands on each one's button, in the order in which they are shown."""

DELIVERY = {
    "queued": "queued",
    "sending": "sending",
    "sent": "sent",
    "retrying": "trying again",
    "failed": "failed",
    "ambiguous": "sent, perhaps twice",
    "skipped": "not sent",
    "published": "pushed",
    "seen": "seen",
}
SKIPPED = {
    "claimed": "claimed first",
    "cancelled": "cancelled first",
    "superseded": "overtaken by what came next",
    "no_longer_eligible": "no longer to be told",
    "opted_out": "opted out",
    "bundled": "goes out with others in one mail",
}


@dataclass(frozen=True, slots=True)
class Timed:
    """A sentence around a time that goes on: `before`, the time, `after`.

    `kind`: how the time is said, see `rendering.py`. With `loud` it wants to be noticed.
    """

    before: str
    at: datetime | None = None
    after: str = ""
    kind: str = "countdown"
    loud: bool = False


def button(name: Command, view: HandoffView, reader_id: UUID | None = None) -> str:
    """What stands on a command's button, for this handoff."""
    match name:
        case Command.CLAIM if view.status is HandoffStatus.PARKED:
            return "Take it up"
        case Command.CLAIM if view.transfer_to and _is(view.claimed_by, reader_id):
            return "Take it back"
        case Command.ESCALATE_NOW if view.exhausted_at is not None:
            return "Call everybody anew"
        case Command.ESCALATE_NOW if view.round < view.rounds_total:
            return f"Call round {view.round + 1} now"
        case Command.ESCALATE_NOW:
            return "End the last call now"
        case _:
            return COMMAND[name]


def what_next(view: HandoffView, reader_id: UUID | None = None) -> Timed | None:
    """What happens next, in words."""
    action = view.next_action
    if action is None:
        return None
    to = action.to or "nobody"
    match action.action:
        case "notify" if view.snoozed_until is not None:
            return Timed(f"Snoozed. Round {action.round} tells {to} in", action.at)
        case "notify":
            return Timed(f"Round {action.round} tells {to} in", action.at)
        case "exhaust":
            return Timed(f"This is the last round. {to.capitalize()} are told so in", action.at)
        case "expire":
            return Timed(f"Still claimable. It expires, and {to} is told, in", action.at)
        case "remind":
            return Timed(f"Reminds {to} in", action.at)
        case "return_to_queue" if _is(view.transfer_to, reader_id):
            return Timed(f"{_name(view.claimed_by)} passes this to you; claim within", action.at)
        case "return_to_queue" if view.transfer_to is not None:
            return Timed(f"Passed to {view.transfer_to.name}, back in the queue in", action.at)
        case "return_to_queue":
            return Timed("Returns to the queue in", action.at)
        case _:
            return Timed(f"{action.action.replace('_', ' ').capitalize()} in", action.at)


def state(view: HandoffView, reader_id: UUID | None = None, closed_by: Person | None = None) -> str:
    """Where it stands, in a few words; of what is closed, by whom, where that is known."""
    by = "" if closed_by is None else f" by {_addressed(closed_by, reader_id)}"
    match view.status:
        case HandoffStatus.CLAIMED if _is(view.transfer_to, reader_id):
            return f"{_name(view.claimed_by)} passes this to you"
        case HandoffStatus.CLAIMED if view.transfer_to is not None:
            return f"Passed to {view.transfer_to.name}"
        case HandoffStatus.CLAIMED if _is(view.claimed_by, reader_id):
            return "Claimed by you"
        case HandoffStatus.CLAIMED:
            return f"Claimed by {_name(view.claimed_by)}"
        case HandoffStatus.PARKED:
            return f"Parked by {view.escalator.name}"
        case HandoffStatus.OPEN if view.exhausted_at is not None:
            return "Unanswered"
        case HandoffStatus.OPEN if view.snoozed_until is not None:
            return "Snoozed"
        case HandoffStatus.OPEN:
            return "Waiting"
        case HandoffStatus.RESOLVED if view.outcome is not None:
            return f"Resolved{by}: {OUTCOME[view.outcome.value]}"
        case HandoffStatus.EXPIRED:
            return "Expired unanswered"
        case status:
            return f"{status.value.capitalize()}{by}"


def standing(view: HandoffView, reader_id: UUID, closed_by: Person | None = None) -> Timed:
    """A row's first line: how it stands, and for how long somebody has been waiting."""
    said = state(view, reader_id, closed_by)
    if view.status is not HandoffStatus.OPEN:
        return Timed(said, loud=_is(view.transfer_to, reader_id))
    exhausted = view.exhausted_at is not None
    said = "Unanswered" if exhausted else "Waiting"
    return Timed(said, view.created_at, kind="wait", loud=exhausted)


def then(view: HandoffView, reader_id: UUID) -> Timed | None:
    """A row's second line: what comes next, or when the last thing was."""
    action = view.next_action
    if view.status is HandoffStatus.CLAIMED and view.transfer_to is None:
        return Timed("", view.claimed_at, kind="ago")
    if view.resolved_at is not None:
        return Timed("", view.resolved_at, kind="ago")
    if action is None:
        return Timed("", view.created_at, kind="ago")
    match action.action:
        case "notify" if view.snoozed_until is not None:
            return Timed(f"Snoozed, round {action.round} in", action.at)
        case "notify" if view.round == 0:
            return Timed("Round 1 starts in", action.at)
        case "notify":
            return Timed(f"Round {view.round} of {view.rounds_total}, next in", action.at)
        case "exhaust":
            return Timed("Last round, ends in", action.at)
        case "expire":
            return Timed("Expires in", action.at)
        case "remind":
            return Timed("Reminds in", action.at)
        case _ if _is(view.transfer_to, reader_id):
            return Timed("claim within", action.at)
        case _:
            return Timed("back in the queue in", action.at)


def _addressed(person: Person, reader_id: UUID | None) -> str:
    return "you" if person.id == reader_id else person.name


def _is(person: Person | None, reader_id: UUID | None) -> bool:
    return person is not None and person.id == reader_id


def event(envelope: Envelope) -> str:
    """One line of the history. The actor stands first, where there is one."""
    data = envelope.data
    who = _doer(data.get("actor") or {})
    return _EVENTS.get(envelope.type.removeprefix("handoff."), _unknown)(who, data, envelope.type)


def _doer(actor: dict[str, Any]) -> str | None:
    """Beside a person stands the program that acts in their name."""
    name, token = actor.get("name"), actor.get("token")
    return f"{name} (by the token «{token['name']}»)" if name and token else name


def _unknown(who: str | None, data: dict[str, Any], kind: str) -> str:
    said = kind.removeprefix("handoff.").replace("_", " ")
    return f"{who}: {said}" if who else said.capitalize()


def _named(person: dict[str, Any] | None) -> str:
    return str(person["name"]) if person else "somebody"


def _claimed(who: str | None, data: dict[str, Any], kind: str) -> str:
    doer = who or _named(data["claimed_by"])
    named = (data.get("details") or {}).get("back_from")
    return f"{doer} took it back from {_named(named)}" if named else f"{doer} claimed it"


def _released(who: str | None, data: dict[str, Any], kind: str) -> str:
    if who:
        return f"{who} gave it back to the queue"
    reason = (data.get("details") or {}).get("reason") or "it was given back"
    return f"Back in the queue: {reason}"


def _told(data: dict[str, Any], name: str) -> Any:
    return (data.get("details") or {}).get(name)


def _changed(who: str | None, data: dict[str, Any], kind: str) -> str:
    details = data.get("details") or {}
    said = []
    if priority := details.get("priority"):
        said.append(f"made it {PRIORITY[priority['to']].lower()}")
    if "team" in details:
        team = details["team"]["to"]
        said.append(f"gave it to {team['name']}" if team else "made it nobody's in particular")
    if title := details.get("title"):
        said.append(f"named it «{title['to']}»")
    return f"{who or 'Somebody'} {', '.join(said) or 'changed it'}"


def _reminded(who: str | None, data: dict[str, Any], kind: str) -> str:
    told = data["claimed_by"] if data.get("status") == "claimed" else data["escalator"]
    return f"{_named(told)} was reminded"


def _noted(who: str | None, data: dict[str, Any], kind: str) -> str:
    does = "adds files" if _told(data, "files") and not _told(data, "text") else "writes"
    return f"{who or 'Somebody'} {does}"


def _undelivered(who: str | None, data: dict[str, Any], kind: str) -> str:
    channel = CHANNELS.get(str(_told(data, "channel")))
    message = channel.message if channel else "message"
    return f"A {message} to {_named(_told(data, 'recipient'))} could not be delivered"


_EVENTS: dict[str, Callable[[str | None, dict[str, Any], str], str]] = {
    "created": lambda who, data, _: f"{who or _named(data['escalator'])} escalated",
    "parked": lambda who, data, _: f"{who or _named(data['escalator'])} parked it",
    "notified": lambda who, data, _: f"Round {data['round']} of {data['rounds_total']}",
    "re_escalated": lambda who, data, _: (
        f"Nobody had claimed: round {data['round']} of {data['rounds_total']}"
    ),
    "no_recipients": lambda who, data, _: "There was nobody to tell",
    "exhausted": lambda who, data, _: "Every round has run, and nobody claimed",
    "claimed": _claimed,
    "released": _released,
    "resolved": lambda who, data, _: (
        f"{who} resolved it: {OUTCOME.get(data.get('outcome') or '', 'done')}"
    ),
    "cancelled": lambda who, data, _: f"{who or 'Somebody'} cancelled it",
    "promoted": lambda who, data, _: f"{who} turned it into an escalation",
    "hurried": lambda who, data, _: f"{who} called the next round at once",
    "snoozed": lambda who, data, _: f"{who} snoozed it",
    "transferred": lambda who, data, _: f"{who} passes it to {_named(data.get('transfer_to'))}",
    "noted": _noted,
    "called": lambda who, data, _: f"{who or 'Somebody'} asks for {_named(_told(data, 'to'))}",
    "changed": _changed,
    "reminded": _reminded,
    "expired": lambda who, data, _: "It expired unanswered",
    "delivery_failed": _undelivered,
}


def _name(person: Any) -> str:
    return str(person.name) if person else "somebody"
