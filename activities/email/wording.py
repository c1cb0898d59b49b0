"""Which letter an event makes, and the sentences in it that depend on the record."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from activities.email.letters import Attached, BundleItem, Letter, LetterKind, Thread
from activities.email.rendering import moment
from activities.sender import Occasion
from handoff import claim_links
from handoff.claim_links import ClaimLink
from handoff.contract.record import Record
from handoff.contract.words import EventType, Priority, Role
from handoff.database.messages.last_look import Said
from handoff.database.messages.outbox import Due
from handoff.rules.steps import next_action
from handoff.settings import Settings

LETTERS: dict[EventType, LetterKind | None] = {
    EventType.CREATED: None,  # the first round tells of it
    EventType.PARKED: None,  # nobody is told
    EventType.NOTIFIED: LetterKind.ROUND,
    EventType.RE_ESCALATED: LetterKind.ROUND,
    EventType.NO_RECIPIENTS: None,  # there is nobody to write to
    EventType.EXHAUSTED: LetterKind.EXHAUSTED,
    EventType.CLAIMED: LetterKind.CLAIMED,
    EventType.RELEASED: LetterKind.RELEASED,
    EventType.RESOLVED: LetterKind.RESOLVED,
    EventType.CANCELLED: LetterKind.CANCELLED,
    EventType.PROMOTED: None,  # the round that it starts tells of it
    EventType.HURRIED: None,  # the same
    EventType.SNOOZED: None,  # who looks at the queue sees it
    EventType.TRANSFERRED: LetterKind.TRANSFERRED,
    EventType.NOTED: LetterKind.NOTED,
    EventType.CALLED: LetterKind.CALLED,
    EventType.CHANGED: None,  # who looks at it sees it
    EventType.REMINDED: LetterKind.REMINDER,
    EventType.EXPIRED: LetterKind.EXPIRED,
    EventType.DELIVERY_FAILED: None,  # the timeline and the metrics tell of it
}
"""Which letter tells of each event; None for those that nobody gets a mail of."""

_TO_CLAIM = (LetterKind.ROUND, LetterKind.CALLED, LetterKind.TRANSFERRED)
_WITH_WHAT_IS_NEXT = (*_TO_CLAIM, LetterKind.RELEASED, LetterKind.EXHAUSTED, LetterKind.REMINDER)
_WITH_NOTES = (*_TO_CLAIM, LetterKind.REMINDER)


def letter_about(occasion: Occasion, settings: Settings, *, message_id: str) -> Letter:
    """The letter for one person about one event."""
    mail, record = occasion.due, occasion.record
    kind = LETTERS[mail.event_type]
    assert kind is not None  # noqa: S101 - no rule has anybody told of such an event by mail
    actor = mail.data.get("actor")
    now, zone = datetime.now(UTC), _zone(mail)
    return Letter(
        kind=kind,
        sender=settings.smtp_from,
        to_name=mail.name,
        to_address=mail.address,
        message_id=message_id,
        thread=_thread(mail),
        date=now,
        zone=zone,
        handoff_id=str(record.id),
        session_title=record.session_title,
        escalator_name=record.escalator.name,
        actor_name=actor["name"] if actor else None,
        priority=record.priority,
        team=record.team_name,
        round=record.round if mail.is_call else mail.round,
        rounds_total=record.rounds_total,
        notes=record.engineer_notes if kind in _WITH_NOTES else None,
        reason=_talk(occasion.said) or _reason(mail.data.get("details", {})),
        why=_why(mail, record),
        next_action=_next(record, now, zone) if kind in _WITH_WHAT_IS_NEXT else None,
        waiting_since=record.created_at,
        link=_page(record.id, settings),
        claim_link=_claim_link(record, mail, settings) if kind in _TO_CLAIM else None,
        files=_files(occasion),
    )


def _thread(mail: Due) -> Thread | None:
    if mail.first_message_id is None or mail.first_data is None:
        return None
    first = mail.first_data
    title, escalator = first.get("session_title", ""), first.get("escalator", {}).get("name", "")
    return Thread(mail.first_message_id, title, escalator, first.get("priority", Priority.NORMAL))


def _claim_link(record: Record, mail: Due, settings: Settings) -> str | None:
    link = ClaimLink(record.account_id, record.session_id, record.id, mail.destination_id)
    return claim_links.address(link, settings, until=datetime.now(UTC) + settings.retention)


def bundled(
    letter: Letter, mail: Due, record: Record, others: Sequence[Record], settings: Settings
) -> Letter:
    """The letter, or one that names other handoffs that wait for the same person, too.

    It speaks for all of them, so what belongs to one alone stands beside it, or not at all.
    """
    if not others:
        return letter
    return replace(
        letter,
        kind=LetterKind.BUNDLE,
        items=tuple(_item(one, mail, settings) for one in (record, *others)),
        link=f"{settings.public_url}/",
        claim_link=None,
        notes=None,
        files=(),
        next_action=None,
        thread=None,
    )


def bare(letter: Letter) -> Letter:
    """Only that something waits, and where."""
    return replace(letter, kind=LetterKind.BARE, round=0, next_action=None, items=())


def _item(record: Record, mail: Due, settings: Settings) -> BundleItem:
    return BundleItem(
        title=record.session_title,
        priority=record.priority,
        link=_page(record.id, settings),
        escalator=record.escalator.name,
        round=record.round,
        rounds_total=record.rounds_total,
        waiting_since=record.created_at,
        claim_link=_claim_link(record, mail, settings),
    )


def _page(handoff_id: UUID, settings: Settings) -> str:
    return f"{settings.public_url}/handoffs/{handoff_id}"


def _why(mail: Due, record: Record) -> str:
    if mail.recipient_id == record.escalator.id:
        return "You get this because you handed the session off."
    if mail.event_type in (EventType.TRANSFERRED, EventType.CALLED):
        return "You get this because you were named."
    if record.claimed_by is not None and mail.recipient_id == record.claimed_by.id:
        return "You get this because you have claimed it."
    if mail.event_type is EventType.NOTED:
        return "You get this because you wrote about it."
    if mail.is_call or mail.event_type is EventType.EXHAUSTED:
        return f"You get this as {_role(mail)} of {mail.account_name}."
    return f"You get this as {_role(mail)} of {mail.account_name}, who was told of it before."


def _role(mail: Due) -> str:
    role = mail.role or Role.VIEWER
    return f"{'a' if role is Role.VIEWER else 'an'} {role.value}"


def _talk(said: Sequence[Said]) -> str | None:
    """What was said, by whom if several have spoken."""
    spoken = [one for one in said if one.text]
    if len({one.name for one in spoken}) < 2:
        return "\n\n".join(one.text for one in spoken) or None
    return "\n\n".join(f"{one.name}: {one.text}" for one in spoken)


def _files(occasion: Occasion) -> tuple[Attached, ...]:
    """Of the notes, or of the handoff that its reader is called to."""
    with_notes = [one for said in occasion.said for one in said.files]
    return tuple(Attached(one["name"], one["size"]) for one in (*with_notes, *occasion.files))


def _reason(details: dict[str, Any]) -> str | None:
    """What the actor gave as a reason: a release's, a cancellation's, or how it was resolved."""
    said = details.get("reason") or details.get("note") or details.get("text")
    outcome = details.get("outcome")
    parts = [str(outcome).replace("_", " ")] if outcome else []
    return ": ".join([*parts, said] if said else parts) or None


def _zone(mail: Due) -> tzinfo:
    """As they set it for their quiet hours."""
    return ZoneInfo(mail.time_zone) if mail.time_zone else UTC


def _next(record: Record, now: datetime, zone: tzinfo) -> str | None:
    """What the clock does next, as things stand now."""
    action = next_action(record)
    if action is None or action.at is None:
        return None
    day, clock = moment(action.at, now, zone)
    at = f"on {day} at {clock}" if day else f"at {clock}"
    match action.action:
        case "notify":
            return f"Unless somebody claims it, round {action.round} starts {at}."
        case "exhaust":
            return f"This is the last round. It is marked as unanswered {at}."
        case "expire":
            return f"Unless somebody claims it, it expires {at}."
        case "return_to_queue" if record.transfer_to is not None:
            return f"Unless {record.transfer_to.name} claims it, it is back in the queue {at}."
        case "return_to_queue":
            return f"It goes back to the queue {at}."
        case _:
            return None
