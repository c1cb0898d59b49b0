"""A handoff as an Adaptive Card, as Teams' Workflows take it from a webhook.

Version 1.4, which every Teams client shows. Text blocks read a part of Markdown, so what people
typed is escaped.
"""

import re
from datetime import UTC, datetime
from typing import Any

from activities import sayings
from activities.sender import Occasion
from handoff import claim_links
from handoff.claim_links import ClaimLink
from handoff.contract.record import Record
from handoff.contract.words import Content, HandoffStatus
from handoff.settings import Settings

_NOTES, _SAID = 4_000, 1_000
"""Characters, each of which may be escaped or four bytes long. A card may have 28 KB."""

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~])")


def card(said: Occasion, happened: str | None, settings: Settings) -> dict[str, Any]:
    """The message: what has happened, how it stands, and where to claim it."""
    record, content = said.record, said.content
    body: list[dict[str, Any]] = [
        _text(_title(record, content), size="Large", weight="Bolder"),
        _text(sayings.state(record), weight="Bolder"),
    ]
    if happened is not None:
        body.append(_text(happened[:_SAID]))
    if content is not Content.LINK:
        body.append({"type": "FactSet", "facts": _facts(record)})
    if content is Content.FULL and record.engineer_notes and said.due.is_call:
        body.append(_text(record.engineer_notes[:_NOTES]))
    title, url = _way_there(record, content, settings)
    shown = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
        "actions": [{"type": "Action.OpenUrl", "title": title, "url": url}],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": shown}
    return {"type": "message", "attachments": [{**attachment, "contentUrl": None}]}


def _way_there(record: Record, content: Content, settings: Settings) -> tuple[str, str]:
    """A claim link shows what it is about to whoever opens it: no more than the card does."""
    if record.status is HandoffStatus.OPEN and content is not Content.LINK:
        link = ClaimLink(record.account_id, record.session_id, record.id)
        until = datetime.now(UTC) + settings.retention
        if (claims := claim_links.address(link, settings, until=until)) is not None:
            return "Claim", claims
    return "Open", f"{settings.public_url}/handoffs/{record.id}"


def _title(record: Record, content: Content) -> str:
    return "A handoff" if content is Content.LINK else record.session_title


def _facts(record: Record) -> list[dict[str, str]]:
    return [
        {"title": name, "value": _plain(value)} for name, value in sayings.facts(record).items()
    ]


def _text(text: str, **looks: str) -> dict[str, Any]:
    return {"type": "TextBlock", "text": _plain(text), "wrap": True, **looks}


def _plain(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)
