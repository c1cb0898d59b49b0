"""How much of a handoff leaves by a channel: what goes out is cut here, for all alike."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from handoff.contract.people import Person
from handoff.contract.record import Record
from handoff.contract.words import Content
from handoff.rules.channels import CHANNELS

_TEXTS = ("engineer_notes", "context", "resolution_note")
"""What people typed, beside the title."""

_SAID = ("text", "note", "reason", "files")
"""The same in the details of an event."""

_SHOWN_BY_LINK = ("id", "session_id", "account_id", "status", "version")
"""What a program needs to know that it should look."""

NAMELESS = "Somebody"


def of_channel(chosen: Mapping[str, Any] | None, channel: str) -> Content:
    """As the account has chosen, or as the channel's row says."""
    stored = (chosen or {}).get(channel)
    return Content(stored) if stored else CHANNELS[channel].says


def record_within(record: Record, content: Content) -> Record:
    """The handoff, as much of it as may leave."""
    if content is Content.FULL:
        return record
    cut = replace(record, engineer_notes=None, context=None, resolution_note=None)
    if content is Content.TITLE:
        return cut
    return replace(
        cut,
        session_title="",
        outcome=None,
        team_name=None,
        escalator=_nameless(cut.escalator),
        claimed_by=cut.claimed_by and _nameless(cut.claimed_by),
        transfer_to=cut.transfer_to and _nameless(cut.transfer_to),
    )


def _nameless(person: Person) -> Person:
    return replace(person, name=NAMELESS)


def event_within(data: Mapping[str, Any], content: Content) -> dict[str, Any]:
    """An event's data, as much of it as may leave."""
    if content is Content.FULL:
        return dict(data)
    if content is Content.LINK:
        return {name: data[name] for name in _SHOWN_BY_LINK if name in data}
    details = data.get("details") or {}
    said = {name: value for name, value in details.items() if name not in _SAID}
    return {**data, **{name: None for name in _TEXTS if name in data}, "details": said}
