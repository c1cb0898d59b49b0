"""A handoff's timeline: its events, and what became of the messages that told of each."""

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from api.console.handoff.shown_files import ShownFile, of_event
from api.console.shared import words
from handoff.contract.messages import Envelope
from handoff.contract.words import DeliveryState
from handoff.database.reading.stories import LedgerLine
from handoff.rules.channels import CHANNELS, Channel

MANY = 6
"""From so many on, people to whom the same happened share a chip."""


@dataclass(frozen=True, slots=True)
class Way:
    """What became of one message: by which channel, how far it came."""

    channel: Channel | None
    state: DeliveryState
    said: str
    detail: str | None


@dataclass(frozen=True, slots=True)
class Chip:
    """One recipient of an event, or several (`names`), and the ways by which they were told."""

    name: str
    ways: list[Way]
    names: str | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """One event, and the messages that tell of it."""

    number: str
    kind: str
    at: datetime
    said: str
    until: datetime | None
    note: str | None
    files: list[ShownFile]
    chips: list[Chip]


def moments(session_id: UUID, history: list[Envelope], messages: list[LedgerLine]) -> list[Moment]:
    """Newest first: what happened last is what somebody wants to know at 3 a.m."""
    told: dict[str, list[LedgerLine]] = defaultdict(list)
    for message in messages:
        told[str(message.event_number)].append(message)
    return [
        Moment(
            number=envelope.id,
            kind=envelope.type.removeprefix("handoff."),
            at=envelope.time,
            said=words.event(envelope),
            until=_until(envelope),
            note=_note(envelope),
            files=[of_event(one, session_id) for one in _files(envelope)],
            chips=_chips(told[envelope.id]),
        )
        for envelope in reversed(history)
    ]


def _note(envelope: Envelope) -> str | None:
    details = envelope.data.get("details") or {}
    note = details.get("reason") or details.get("note") or details.get("text")
    return str(note) if note else None


def _files(envelope: Envelope) -> list[dict[str, Any]]:
    return (envelope.data.get("details") or {}).get("files") or []


def _until(envelope: Envelope) -> datetime | None:
    """The time that a snooze names."""
    until = (envelope.data.get("details") or {}).get("until")
    return None if until is None else datetime.fromisoformat(until)


def _chips(messages: list[LedgerLine]) -> list[Chip]:
    """One for each recipient, but what many messages have in common is said once.

    The messages come in the order of their recipients' names.
    """
    kept, alike = _apart(messages)
    people = groupby(kept, lambda message: (message.name, message.destination_id))
    chips = [Chip(name, [_way(message) for message in some]) for (name, _), some in people]
    return [*_together(chips), *alike]


def _apart(messages: list[LedgerLine]) -> tuple[list[LedgerLine], list[Chip]]:
    """Messages that never left for the same reason need no chip for each of their recipients."""
    skipped: dict[tuple[str, str | None], list[LedgerLine]] = defaultdict(list)
    for message in messages:
        if message.state is DeliveryState.SKIPPED:
            skipped[message.channel, message.reason].append(message)
    many = {key: some for key, some in skipped.items() if len(some) > 1}
    kept = [
        message
        for message in messages
        if message.state is not DeliveryState.SKIPPED
        or (message.channel, message.reason) not in many
    ]
    return kept, [_unsent(name, some) for (name, _), some in many.items()]


def _unsent(name: str, messages: list[LedgerLine]) -> Chip:
    channel = CHANNELS.get(name)
    thing = channel.messages if channel else "messages"
    names = ", ".join(message.name for message in messages)
    return Chip(f"{len(messages)} {thing}", [replace(_way(messages[0]), channel=None)], names)


def _together(chips: list[Chip]) -> list[Chip]:
    """Many people to whom the very same happened share one chip."""
    same: dict[str, list[Chip]] = defaultdict(list)
    for chip in chips:
        same[repr(chip.ways)].append(chip)
    return [one for some in same.values() for one in (some if len(some) < MANY else [_crowd(some)])]


def _crowd(chips: list[Chip]) -> Chip:
    return Chip(f"{len(chips)} people", chips[0].ways, ", ".join(chip.name for chip in chips))


def _way(message: LedgerLine) -> Way:
    detail = [words.SKIPPED.get(message.reason or "", message.reason)]
    if message.state in (DeliveryState.FAILED, DeliveryState.RETRYING) and message.attempts:
        code = message.attempts[-1].get("code")
        detail.append(f"the server said {code}" if code else None)
    if len(message.attempts) > 1:
        detail.append(f"{len(message.attempts)} attempts")
    said = "; ".join(part for part in detail if part)
    return Way(
        CHANNELS.get(message.channel),
        message.state,
        words.DELIVERY[message.state.value],
        said or None,
    )
