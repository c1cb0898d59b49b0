"""A handoff as Slack shows it: Block Kit, within its limits, and nothing of it read as markup.

Limits: Slack's reference of blocks. 150 characters of a header, 2,000 of a field or a button's
value, 3,000 of a section, 4,000 of a message's text.
"""

from typing import Any

from activities import sayings
from handoff.contract.record import Record
from handoff.contract.words import Content, HandoffStatus, Priority
from handoff.settings import Settings
from handoff.slack_words import CLAIM, OPEN, plain

_HEADER, _FIELD, _SECTION, _TEXT = 150, 2_000, 3_000, 4_000

_MARKS = {
    Priority.URGENT: "\N{LARGE RED CIRCLE}",
    Priority.HIGH: "\N{LARGE ORANGE CIRCLE}",
    Priority.NORMAL: "\N{LARGE BLUE CIRCLE}",
    Priority.LOW: "\N{MEDIUM WHITE CIRCLE}",
}


def summary(record: Record, content: Content) -> str:
    """What a notification says, and whoever cannot see blocks."""
    return _cut(plain(f"{_title(record, content)}: {sayings.state(record)}"), _TEXT)


def blocks(record: Record, content: Content, settings: Settings) -> list[dict[str, Any]]:
    """The message, as the handoff stands."""
    shown: list[dict[str, Any]] = [
        {
            "type": "header",
            "text": {"type": "plain_text", "text": _cut(_title(record, content), _HEADER)},
        },
        {"type": "section", "text": _marked(f"*{plain(sayings.state(record))}*")},
    ]
    if content is not Content.LINK:
        shown.append({"type": "section", "fields": _fields(record)})
    if content is Content.FULL and record.engineer_notes:
        notes = _cut(plain(record.engineer_notes), _SECTION)
        shown.append({"type": "section", "text": _marked(notes)})
    page = f"{settings.public_url}/handoffs/{record.id}"
    buttons = [_button(record, "Open", OPEN) | {"url": page}]
    if record.status is HandoffStatus.OPEN:
        buttons.insert(0, _button(record, "Claim", CLAIM) | {"style": "primary"})
    shown.append({"type": "actions", "elements": buttons})
    return shown


def reply(text: str) -> str:
    """A line of the thread."""
    return _cut(plain(text), _TEXT)


def _title(record: Record, content: Content) -> str:
    if content is Content.LINK:
        return "A handoff"
    return f"{_MARKS[record.priority]} {record.session_title}"


def _fields(record: Record) -> list[dict[str, Any]]:
    return [
        _marked(_cut(f"*{name}*\n{plain(value)}", _FIELD))
        for name, value in sayings.facts(record).items()
    ]


def _button(record: Record, text: str, action_id: str) -> dict[str, Any]:
    """Its value says whose secret has signed a press, of whichever button."""
    return {
        "type": "button",
        "text": {"type": "plain_text", "text": text},
        "action_id": action_id,
        "value": f"{record.account_id}.{record.id}",
    }


def _marked(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _cut(text: str, longest: int) -> str:
    """Slack counts characters, and an entity that is cut through is shown as it stands."""
    if len(text) <= longest:
        return text
    kept = text[: longest - 1]
    start = kept.rfind("&", max(0, len(kept) - 5))
    return (kept if start < 0 or ";" in kept[start:] else kept[:start]) + "\N{HORIZONTAL ELLIPSIS}"
