"""Composing: what a person is told by mail, as text and as HTML. It sends and decides nothing.

The words stand in `templates/` and in the tables below.
"""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from email.message import EmailMessage
from email.utils import format_datetime
from enum import StrEnum
from secrets import token_hex
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from activities.email.headers import letter_policy, mailbox
from activities.email.rendering import ordinal, rendered, waiting
from activities.harmless import harmless_line, harmless_text
from handoff.contract.words import Priority
from handoff.errors import ConfigurationError
from handoff.mailboxes import is_mailbox
from handoff.rules.files import in_bytes

_SUBJECT_LIMIT = 150
_NAME = 60
_TITLE = 200
_SENTENCE = 500
_NOTES = 64 * 1024
_FILE = 120
_FILES = 10
_MESSAGE_ID = re.compile(r"<[!-;=?A-~]+@[!-;=?A-~]+>")
_SENDER = re.compile(r"(.*?)\s*<([^<>]*)>", re.DOTALL)


class LetterKind(StrEnum):
    """What the letter is about."""

    ROUND = "round"
    CLAIMED = "claimed"
    RELEASED = "released"
    RESOLVED = "resolved"
    CANCELLED = "cancelled"
    EXHAUSTED = "exhausted"
    EXPIRED = "expired"
    TRANSFERRED = "transferred"
    NOTED = "noted"
    CALLED = "called"
    REMINDER = "reminder"
    BUNDLE = "bundle"
    BARE = "bare"
    NOTICE = "notice"
    TEST = "test"


class BundleItem(NamedTuple):
    """One of several handoffs that wait, and for whom, since when, in which round."""

    title: str
    priority: str
    link: str
    escalator: str
    round: int
    rounds_total: int
    waiting_since: datetime
    claim_link: str | None = None


class Attached(NamedTuple):
    """A file that is told of, and never sent. `size` in bytes."""

    name: str
    size: int


class Thread(NamedTuple):
    """This handoff's first message to this person: what later ones answer, by the same subject."""

    id: str
    title: str
    escalator: str
    priority: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """Everything that one mail to one person says. Texts are as people typed them."""

    kind: LetterKind
    sender: str
    """`HANDOFF_SMTP_FROM`."""
    to_name: str
    to_address: str
    message_id: str
    date: datetime
    zone: tzinfo = UTC
    """The reader's own, where they set one."""
    link: str
    """Where the handoff (or the queue) opens."""
    why: str
    """Why this person was told, in one sentence."""
    thread: Thread | None = None
    handoff_id: str | None = None
    session_title: str = ""
    escalator_name: str = ""
    actor_name: str | None = None
    priority: str = Priority.NORMAL
    team: str | None = None
    round: int = 0
    rounds_total: int = 0
    notes: str | None = None
    reason: str | None = None
    """A release's reason, a resolution's outcome and note, …"""
    next_action: str | None = None
    """What happens next, in one sentence."""
    waiting_since: datetime | None = None
    claim_link: str | None = None
    items: tuple[BundleItem, ...] = ()
    says: str = ""
    """What a notice says."""
    files: tuple[Attached, ...] = ()


_SUBJECT = "{loud}{escalator} hands off: {title}"
"""Of every letter about a handoff: by a different one, mail programs see a different thread."""

_SUBJECTS_APART = {
    LetterKind.BUNDLE: "{loud}{count} handoffs wait for you",
    LetterKind.BARE: "Something waits for you in Handoff",
    LetterKind.NOTICE: "{title}",
    LetterKind.TEST: "Test notification",
}

_HEADLINES = {
    LetterKind.ROUND: "{escalator} needs someone to take this over",
    LetterKind.CLAIMED: "Claimed by {actor}",
    LetterKind.RELEASED: "Released by {actor}: it is back in the queue",
    LetterKind.RESOLVED: "Resolved by {actor}",
    LetterKind.CANCELLED: "Cancelled by {actor}",
    LetterKind.EXHAUSTED: "UNANSWERED after {rounds_total} rounds. It can still be claimed",
    LetterKind.EXPIRED: "Expired: nobody answered",
    LetterKind.TRANSFERRED: "{actor} transfers this to you",
    LetterKind.NOTED: "{actor} writes",
    LetterKind.CALLED: "{actor} asks for you by name",
    LetterKind.REMINDER: "Reminder: this still waits for you",
    LetterKind.BUNDLE: "{count} handoffs wait for you",
    LetterKind.BARE: "Something waits for you",
    LetterKind.NOTICE: "{says}",
    LetterKind.TEST: "This is how Handoff reaches you",
}
"""What is new. It begins the letter, and so what mail programs show beside the subject."""

_LATER_HEADLINE = "{call} call, round {round} of {rounds_total}: nobody has taken this yet"

_CALLS_FOR_ACTION = (
    LetterKind.ROUND,
    LetterKind.RELEASED,
    LetterKind.EXHAUSTED,
    LetterKind.TRANSFERRED,
    LetterKind.CALLED,
    LetterKind.BUNDLE,
)
_NOBODY_WAITS = (
    LetterKind.CLAIMED,
    LetterKind.RESOLVED,
    LetterKind.CANCELLED,
    LetterKind.EXPIRED,
    LetterKind.NOTED,
    LetterKind.BARE,
    LetterKind.NOTICE,
)
_IMPORTANCE = {Priority.URGENT: "1", Priority.HIGH: "2"}


def compose(letter: Letter) -> EmailMessage:
    """The mail: headers, plain text, HTML.

    Whatever people typed, it adds no header, no link and no markup; an unusable address is left
    out of the headers, for the mailer to report.

    Raises:
        ValueError: a Message-ID of ours is malformed.
        ConfigurationError: the sender is.
    """
    facts = _facts(letter)
    message = EmailMessage(policy=letter_policy())
    for name, value in _headers(letter, facts).items():
        message[name] = value
    message.set_content(rendered("letter.txt.j2", facts), cte="quoted-printable")
    # The library looks for one that no line begins with: this one nobody could have written.
    message.make_alternative(boundary=f"=_{token_hex(16)}")
    message.add_alternative(
        rendered("letter.html.j2", facts), subtype="html", cte="quoted-printable"
    )
    return message


def message_id(name: str, public_url: str) -> str:
    """A Message-ID under the host that people know us by."""
    return f"<{name}@{host(public_url)}>"


def host(public_url: str) -> str:
    """The host that people know us by, in ASCII."""
    return (urlsplit(public_url).hostname or "localhost").encode("idna").decode()


def sender_address(sender: str) -> str:
    """The bare address of `HANDOFF_SMTP_FROM`, for the envelope."""
    return _sender(sender)[1]


def _sender(sender: str) -> tuple[str, str]:
    match = _SENDER.fullmatch(sender.strip())
    name, address = match.groups() if match else ("", sender.strip())
    if not is_mailbox(address):
        raise ConfigurationError("HANDOFF_SMTP_FROM must look like Handoff <handoff@example.com>")
    return harmless_line(name.removeprefix('"').removesuffix('"'), limit=_NAME), address


def _headers(letter: Letter, facts: dict[str, Any]) -> dict[str, str]:
    headers = {
        "From": mailbox(*_sender(letter.sender)),
        "To": _recipient(letter),
        "Subject": facts["subject"],
        "Date": format_datetime(letter.date),
        "Message-ID": _checked_id(letter.message_id),
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
    }
    if thread := _answered(letter):
        headers["In-Reply-To"] = headers["References"] = _checked_id(thread.id)
    if letter.handoff_id:
        headers["X-Handoff-Id"] = harmless_line(letter.handoff_id, limit=_NAME)
    if letter.round:
        headers["X-Handoff-Round"] = str(letter.round)
    importance = _IMPORTANCE.get(Priority(facts["priority"]))
    if importance and letter.kind in _CALLS_FOR_ACTION:
        headers |= {"Importance": "high", "X-Priority": importance}
    return headers


def _answered(letter: Letter) -> Thread | None:
    """What the letter follows, unless it is itself the first."""
    return None if letter.thread and letter.thread.id == letter.message_id else letter.thread


def _recipient(letter: Letter) -> str:
    if not is_mailbox(letter.to_address):
        return "undisclosed-recipients:;"
    return mailbox(harmless_line(letter.to_name, limit=_NAME), letter.to_address)


def _checked_id(message_id: str) -> str:
    if not _MESSAGE_ID.fullmatch(message_id):
        raise ValueError("a Message-ID must look like <left@right>, in ASCII")
    return message_id


def _facts(letter: Letter) -> dict[str, Any]:
    """What the templates and the subject may say, already harmless."""
    facts = _words(letter) | _texts(letter)
    louder = letter.kind is LetterKind.ROUND and letter.round > 1
    headline = _LATER_HEADLINE if louder else _HEADLINES[letter.kind]
    facts["headline"] = headline.format(**facts)
    facts["subject"] = _subject(letter, facts)
    return facts


def _subject(letter: Letter, facts: dict[str, Any]) -> str:
    """The first message's own words, whatever has changed since."""
    apart = _SUBJECTS_APART.get(letter.kind)
    thread = _answered(letter)
    if apart is None and thread is not None:
        first = replace(
            letter,
            thread=None,
            session_title=thread.title,
            escalator_name=thread.escalator,
            priority=thread.priority,
        )
        return f"Re: {_subject(first, _words(first))}"
    return harmless_line((apart or _SUBJECT).format(**facts), limit=_SUBJECT_LIMIT)


def _words(letter: Letter) -> dict[str, Any]:
    items = [_item(item, letter) for item in sorted(letter.items, key=_place)]
    loudest = max([letter.priority, *(item.priority for item in letter.items)], key=_loudness)
    return {
        "kind": letter.kind,
        "title": harmless_line(letter.session_title, limit=_TITLE) or "(no title)",
        "escalator": harmless_line(letter.escalator_name, limit=_NAME) or "Someone",
        "team": harmless_line(letter.team or "", limit=_NAME),
        "actor": harmless_line(letter.actor_name or "", limit=_NAME) or "Handoff",
        "priority": loudest,
        "loud": f"[{loudest}] " if Priority(loudest) in _IMPORTANCE else "",
        "call": "LAST" if letter.round >= letter.rounds_total else ordinal(letter.round),
        "says": harmless_line(letter.says, limit=_SENTENCE),
        "round": letter.round,
        "rounds_total": letter.rounds_total,
        "count": len(items),
        "items": items,
    }


def _place(item: BundleItem) -> tuple[int, datetime]:
    """Most urgent first, then longest waiting: the order of the queue."""
    return -_loudness(item.priority), item.waiting_since


def _item(item: BundleItem, letter: Letter) -> dict[str, Any]:
    return {
        **item._asdict(),
        "title": harmless_line(item.title, limit=_TITLE) or "(no title)",
        "escalator": harmless_line(item.escalator, limit=_NAME) or "Someone",
        "waiting": waiting(item.waiting_since, letter.date, letter.zone),
    }


def _texts(letter: Letter) -> dict[str, Any]:
    return {
        "notes": _optional(letter.notes),
        "reason": _optional(letter.reason),
        "files": [
            {
                "name": harmless_line(one.name, limit=_FILE) or "(no name)",
                "size": in_bytes(one.size),
            }
            for one in letter.files[:_FILES]
        ],
        "more_files": len(letter.files[_FILES:]),
        "next_action": harmless_line(letter.next_action or "", limit=_SENTENCE),
        "why": harmless_line(letter.why, limit=_SENTENCE),
        "waiting": ""
        if letter.kind in _NOBODY_WAITS
        else waiting(letter.waiting_since, letter.date, letter.zone),
        "link": letter.link,
        "claim_link": letter.claim_link,
        "handoff_id": harmless_line(letter.handoff_id or "", limit=_NAME),
        "acts": letter.kind in _CALLS_FOR_ACTION,
    }


def _optional(text: str | None) -> str:
    return harmless_text(text or "", limit=_NOTES).strip("\n")


def _loudness(priority: str) -> int:
    return Priority(priority).urgency
