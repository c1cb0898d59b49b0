"""One handoff as its page shows it: state, commands, and one timeline of events and messages."""

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from api.console.handoff.shown_files import ShownFile, of_event, on_session
from api.console.shared import words
from api.console.shared.allowed import allowed, may_write
from api.console.shared.why import why
from handoff.contract.messages import Envelope
from handoff.contract.people import Actor, Person
from handoff.contract.record import HandoffView, Record
from handoff.contract.words import UNSETTLED, Command, DeliveryState
from handoff.database import events, files, records
from handoff.database.gate import Database
from handoff.database.reading import called, offers, stories
from handoff.database.reading.stories import LedgerLine
from handoff.errors import NotFound
from handoff.rules.channels import CHANNELS, Channel

MOST = 200
"""Events that the page shows, the newest ones."""

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


@dataclass(frozen=True, slots=True)
class Story:
    """Everything on a handoff's page."""

    number: int
    handoff: HandoffView
    team: str | None
    state: str
    why: str | None
    next: words.Timed | None
    own_step: Command | None
    session_context: dict[str, Any]
    commands: list[Command]
    may_write: bool
    colleagues: list[Person]
    teams: list[tuple[UUID, str]]
    files: list[ShownFile]
    moments: list[Moment]
    is_cut: bool
    is_settled: bool
    now: datetime

    @property
    def file_ids(self) -> set[str]:
        """The files that are still there."""
        return {file.id for file in self.files}


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
        history = await events.newest_of_handoff(
            tenant, handoff_id, limit=MOST, reader_id=reader.reader_id
        )
        first = int(history[0].id) if history else 0
        messages = await stories.messages(tenant, handoff_id, since=first)
        told = await called.told(tenant, reader.id, [handoff_id])
        colleagues = await offers.colleagues(tenant)
        teams = await offers.team_names(tenant)
        attached = await files.of_session(tenant, found[0].session_id)
        session_context = await stories.session_context(tenant, found[0].session_id)
    record, now = found
    shown = records.view(record, reader_id=reader.id)
    commands = allowed(record, reader, now)
    holder = record.claimed_by or record.escalator
    return Story(
        number=number,
        handoff=shown,
        team=record.team_name,
        state=words.state(shown, reader.id),
        why=why(record, reader, told.get(record.id)),
        next=words.what_next(shown, reader.id),
        own_step=_own_step(record, reader, commands),
        session_context=session_context,
        commands=commands,
        may_write=may_write(record, reader, now),
        teams=teams,
        colleagues=[
            person for person in colleagues if person.id not in (holder.id, record.escalator.id)
        ],
        files=[on_session(row, reader, record.session_id) for row in attached],
        moments=_moments(record.session_id, history, messages),
        is_cut=len(history) == MOST,
        is_settled=not any(message.state in UNSETTLED for message in messages),
        now=now.astimezone(UTC),
    )


def _own_step(record: Record, reader: Actor, commands: list[Command]) -> Command | None:
    """The one command that is the reader's own next step; what else they may do stands back."""
    holds = record.claimed_by is not None and record.claimed_by.id == reader.id
    for command, is_theirs in (
        (Command.PROMOTE, True),
        (Command.CLAIM, True),
        (Command.RESOLVE, holds and record.transfer_to is None),
    ):
        if command in commands and is_theirs:
            return command
    return None


def _moments(session_id: UUID, history: list[Envelope], messages: list[LedgerLine]) -> list[Moment]:
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
