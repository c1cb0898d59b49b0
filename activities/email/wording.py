"""Which letter an event makes, and the sentences in it that depend on the record."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from activities.email.letters import BundleItem, Letter, LetterKind
from handoff import claim_links
from handoff.claim_links import ClaimLink
from handoff.contract.record import Record
from handoff.contract.words import EventType, Role
from handoff.database.messages.bundles import Companion
from handoff.database.messages.outbox import Due
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
    EventType.REMINDED: LetterKind.REMINDER,
    EventType.EXPIRED: LetterKind.EXPIRED,
    EventType.DELIVERY_FAILED: None,  # the timeline and the metrics tell of it
}
"""Which letter tells of each event; None for those that nobody gets a mail of."""

_TO_CLAIM = (LetterKind.ROUND, LetterKind.TRANSFERRED)
_WITH_NOTES = (LetterKind.ROUND, LetterKind.TRANSFERRED, LetterKind.REMINDER)


def letter_about(mail: Due, record: Record, settings: Settings, *, message_id: str) -> Letter:
    """The letter for one person about one event."""
    kind = LETTERS[mail.event_type]
    assert kind is not None  # noqa: S101 - no rule has anybody told of such an event by mail
    actor = mail.data.get("actor")
    first = mail.first_message_id
    own = ClaimLink(record.account_id, record.session_id, record.id, mail.destination_id)
    return Letter(
        kind=kind,
        sender=settings.smtp_from,
        to_name=mail.name,
        to_address=mail.address,
        message_id=message_id,
        thread_id=first if first != message_id else None,
        date=datetime.now(UTC),
        handoff_id=str(record.id),
        session_title=record.session_title,
        escalator_name=record.escalator.name,
        actor_name=actor["name"] if actor else None,
        priority=record.priority,
        round=mail.round,
        rounds_total=mail.data["rounds_total"],
        notes=record.engineer_notes if kind in _WITH_NOTES else None,
        reason=_reason(mail.data.get("details", {})),
        why=_why(mail, record),
        next_action=_next(mail.data.get("next_action")) if mail.is_call else None,
        waiting_since=record.created_at,
        link=_page(record.id, settings),
        claim_link=_claim_link(own, settings) if kind in _TO_CLAIM else None,
    )


def _claim_link(link: ClaimLink, settings: Settings) -> str | None:
    return claim_links.address(link, settings, until=datetime.now(UTC) + settings.retention)


def bundled(
    letter: Letter, mail: Due, companions: tuple[Companion, ...], settings: Settings
) -> Letter:
    """The letter, or one that names other handoffs that wait for the same person, too.

    It speaks for all of them, so what belongs to one alone stands beside it, or not at all.
    """
    if not companions:
        return letter
    own = BundleItem(letter.session_title, letter.priority, letter.link, letter.claim_link)
    others = (
        BundleItem(
            one.title,
            one.priority,
            _page(one.handoff_id, settings),
            _claim_link(
                ClaimLink(mail.account_id, one.session_id, one.handoff_id, mail.destination_id),
                settings,
            ),
        )
        for one in companions
    )
    return replace(
        letter,
        kind=LetterKind.BUNDLE,
        items=(own, *others),
        link=f"{settings.public_url}/",
        claim_link=None,
        notes=None,
        next_action=None,
        thread_id=None,
    )


def _page(handoff_id: UUID, settings: Settings) -> str:
    return f"{settings.public_url}/handoffs/{handoff_id}"


def _why(mail: Due, record: Record) -> str:
    if mail.recipient_id == record.escalator.id:
        return "You get this because you handed the session off."
    if mail.event_type is EventType.TRANSFERRED:
        return "You get this because you were named."
    if mail.is_call:
        return f"You get this as {_role(mail)} of {mail.account_name}."
    return f"You get this as {_role(mail)} of {mail.account_name}, who was told of it before."


def _role(mail: Due) -> str:
    role = mail.role or Role.VIEWER
    return f"{'a' if role is Role.VIEWER else 'an'} {role.value}"


def _reason(details: dict[str, Any]) -> str | None:
    """What the actor gave as a reason: a release's, a cancellation's, or how it was resolved."""
    said = details.get("reason") or details.get("note")
    outcome = details.get("outcome")
    parts = [str(outcome).replace("_", " ")] if outcome else []
    return ": ".join([*parts, said] if said else parts) or None


def _next(action: dict[str, Any] | None) -> str | None:
    if not action or not action.get("at"):
        return None
    at = datetime.fromisoformat(action["at"]).strftime("%H:%M UTC")
    match action["action"]:
        case "notify":
            return f"Unless somebody claims it, round {action['round']} starts at {at}."
        case "exhaust":
            return f"This is the last round. At {at} it is marked as unanswered."
        case _:
            return None
