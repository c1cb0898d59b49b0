"""One handoff as its page shows it: state, commands, and one timeline of events and messages."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from uuid import UUID

from api.console import words
from api.console.allowed import allowed
from api.console.rows import why
from handoff.contract import (
    UNSETTLED,
    Actor,
    Channel,
    DeliveryState,
    Envelope,
    HandoffView,
    Person,
)
from handoff.database import Database, board, events, offers, records
from handoff.database.board import Message
from handoff.errors import NotFound


@dataclass(frozen=True, slots=True)
class Way:
    """What became of one message: by which channel, how far it came."""

    channel: Channel
    state: DeliveryState
    said: str
    detail: str | None


@dataclass(frozen=True, slots=True)
class Chip:
    """One recipient of an event, and the ways by which they were told."""

    name: str
    ways: list[Way]


@dataclass(frozen=True, slots=True)
class Moment:
    """One event, and the messages that tell of it."""

    number: str
    kind: str
    at: datetime
    said: str
    note: str | None
    chips: list[Chip]


@dataclass(frozen=True, slots=True)
class Story:
    """Everything on a handoff's page."""

    number: int
    handoff: HandoffView
    state: str
    why: str | None
    next: words.Timed | None
    commands: list[str]
    colleagues: list[Person]
    moments: list[Moment]
    is_settled: bool
    now: datetime


async def read_story(database: Database, reader: Actor, handoff_id: UUID) -> Story:
    """The page's content, all from one transaction.

    Raises:
        NotFound: it is unknown, or another account's.
    """
    async with database.account(reader.account_id) as tenant:
        _, number = await events.bounds(tenant)
        found = await records.find_record(tenant, handoff_id)
        if found is None:
            raise NotFound("There is no such handoff, or it is not your account's.")
        history = await events.of_handoff(tenant, handoff_id)
        messages = await board.messages(tenant, handoff_id)
        told = await board.told(tenant, reader.id, [handoff_id])
        colleagues = await offers.colleagues(tenant)
    record, now = found
    shown = records.view(record, reader_id=reader.id)
    holder = record.claimed_by or record.escalator
    return Story(
        number=number,
        handoff=shown,
        state=words.state(shown),
        why=why(record, reader, told.get(record.id)),
        next=words.next_action(shown.next_action, shown),
        commands=allowed(record, reader, now),
        colleagues=[
            person for person in colleagues if person.id not in (holder.id, record.escalator.id)
        ],
        moments=_moments(history, messages),
        is_settled=not any(message.state in UNSETTLED for message in messages),
        now=now.astimezone(UTC),
    )


def _moments(history: list[Envelope], messages: list[Message]) -> list[Moment]:
    """Newest first: what happened last is what somebody wants to know at 3 a.m."""
    told: dict[str, list[Message]] = defaultdict(list)
    for message in messages:
        told[str(message.event_number)].append(message)
    return [
        Moment(
            number=envelope.id,
            kind=envelope.type.removeprefix("handoff."),
            at=envelope.time,
            said=words.event(envelope),
            note=_note(envelope),
            chips=_chips(told[envelope.id]),
        )
        for envelope in reversed(history)
    ]


def _note(envelope: Envelope) -> str | None:
    details = envelope.data.get("details") or {}
    note = details.get("reason") or details.get("note")
    return str(note) if note else None


def _chips(messages: list[Message]) -> list[Chip]:
    """One for each recipient. The messages come in the order of their names."""
    people = groupby(messages, lambda message: (message.name, message.recipient_id))
    return [Chip(name, [_way(message) for message in some]) for (name, _), some in people]


def _way(message: Message) -> Way:
    detail = [words.SKIPPED.get(message.reason or "", message.reason)]
    if message.state in (DeliveryState.FAILED, DeliveryState.RETRYING) and message.attempts:
        code = message.attempts[-1].get("code")
        detail.append(f"the server said {code}" if code else None)
    if len(message.attempts) > 1:
        detail.append(f"{len(message.attempts)} attempts")
    said = "; ".join(part for part in detail if part)
    return Way(message.channel, message.state, words.DELIVERY[message.state.value], said or None)
