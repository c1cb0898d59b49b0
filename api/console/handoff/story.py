"""One handoff as its page shows it: state, commands, what it is about, and its timeline."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from api.console.handoff.shown_files import ShownFile, on_session
from api.console.handoff.timeline import Moment, moments
from api.console.shared import words
from api.console.shared.allowed import allowed, may_hand_off_again, may_undo, may_write
from api.console.shared.why import why
from handoff.contract.people import Actor, Person
from handoff.contract.record import HandoffView, Record
from handoff.contract.words import UNSETTLED, Command
from handoff.database import events, files, records
from handoff.database.gate import Database
from handoff.database.reading import called, offers, stories
from handoff.database.reading import told as closings
from handoff.errors import NotFound

MOST = 200
"""Events that the page shows, the newest ones."""
UNDOABLE = timedelta(seconds=10)
"""How long after one's own claim the page offers to undo it."""


@dataclass(frozen=True, slots=True)
class Kin:
    """Another handoff of the same session, or of one that carries the other on."""

    handoff: HandoffView
    state: str


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
    before: list[Kin]
    since: list[Kin]
    may_hand_off_again: bool
    session_context: dict[str, Any]
    commands: list[Command]
    undo_until: datetime | None
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
        others = await stories.kin(tenant, found[0])
        closers = await closings.told(
            tenant, [handoff_id, *(one.id for one in others)], notes=False
        )
    record, now = found
    kin = [(one, _kin(one, reader, closers[one.id].closed_by)) for one in others]
    shown = records.view(record, reader_id=reader.id)
    commands = allowed(record, reader, now)
    holder = record.claimed_by or record.escalator
    return Story(
        number=number,
        handoff=shown,
        team=record.team_name,
        state=words.state(shown, reader.id, closers[record.id].closed_by),
        why=why(record, reader, told.get(record.id)),
        next=words.what_next(shown, reader.id),
        own_step=_own_step(record, reader, commands),
        before=[shown for one, shown in kin if _age(one) < _age(record)],
        since=[shown for one, shown in kin if _age(one) > _age(record)],
        may_hand_off_again=may_hand_off_again(record, others, reader),
        session_context=session_context,
        commands=commands,
        undo_until=_undo_until(record, reader, now),
        may_write=may_write(record, reader, now),
        teams=teams,
        colleagues=[
            person for person in colleagues if person.id not in (holder.id, record.escalator.id)
        ],
        files=[on_session(row, reader, record.session_id) for row in attached],
        moments=moments(record.session_id, history, messages),
        is_cut=len(history) == MOST,
        is_settled=not any(message.state in UNSETTLED for message in messages),
        now=now.astimezone(UTC),
    )


def _age(record: Record) -> tuple[datetime, UUID]:
    return record.created_at, record.id


def _kin(record: Record, reader: Actor, closed_by: Person | None) -> Kin:
    shown = records.view(record, reader_id=reader.id)
    return Kin(shown, words.state(shown, reader.id, closed_by))


def _undo_until(record: Record, reader: Actor, now: datetime) -> datetime | None:
    if record.claimed_at is None or not may_undo(record, reader, now):
        return None
    until = record.claimed_at + UNDOABLE
    return until if now < until else None


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
