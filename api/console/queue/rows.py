"""The queue as the console shows it: its tabs, and each row with what concerns its reader."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from math import ceil
from uuid import UUID

from api.console.shared import words
from api.console.shared.allowed import allowed
from api.console.shared.why import why
from handoff.contract.people import Actor, Person
from handoff.contract.record import HandoffView, Record
from handoff.contract.words import FINAL, Command
from handoff.database import events
from handoff.database.gate import Database, Tenant
from handoff.database.reading import board, called, offers
from handoff.database.reading.board import ListCounts, Part
from handoff.database.reading.told import told
from handoff.database.records import view

PAGE = 500
"""Rows that are shown at a time. What lies beyond is reached page by page, or by looking for it."""


NO_TEAM = "Nobody's in particular"
TAG_BYTES = 6
TAG = TAG_BYTES * 2
"""Characters of a row's tag."""


class Grouping(StrEnum):
    """What rows may be put together by."""

    TEAM = "team"
    PRIORITY = "priority"


class Tab(StrEnum):
    """The lists of the queue page."""

    @property
    def is_personal(self) -> bool:
        """Whether it is the reader's own, of whichever team."""
        return self in (Tab.MINE, Tab.FROM_ME)

    WAITING = "waiting"
    MINE = "mine"
    FROM_ME = "from_me"
    CLAIMED = "claimed"
    PARKED = "parked"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the page asks for.

    Attributes:
        keep: rows on the screen that stay though they have left the list.
        held: how many of them, the first ones, stay as well though they have only come to stand on
            another page of it: somebody has to do with them.
        group: what rows are put together by.
        have: the tags of those that it shows: they need not be drawn again.
        page: which five hundred of them.
    """

    tab: Tab
    whole_account: bool
    search: str = ""
    page: int = 1
    group: Grouping | None = None
    keep: Sequence[UUID] = ()
    held: int = 0
    have: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Row:
    """One handoff in the list."""

    handoff: HandoffView
    state: str
    standing: words.Timed
    then: words.Timed | None
    why: str | None
    commands: list[Command]
    is_gone: bool
    is_mine: bool
    team: str | None

    @property
    def tag(self) -> str:
        """Differs whenever the row is drawn differently."""
        shown = self.handoff
        drawn_from = (
            *(shown.id, shown.version, shown.priority, shown.status, shown.session_title),
            *(shown.escalator.name, self.state, self.standing, self.then, self.why, self.team),
            *(self.commands, self.is_gone, self.is_mine),
        )
        return hashlib.blake2b(repr(drawn_from).encode(), digest_size=TAG_BYTES).hexdigest()


@dataclass(frozen=True, slots=True)
class Board:
    """Everything that the queue page shows. `number`: live events go on from there.

    Attributes:
        total: of the list, whatever is looked for in it.
        page: which of its parts this is, with how many rows in `shown`; `more`: whether others
            follow.
    """

    number: int
    counts: ListCounts
    rows: list[Row]
    groups: list[tuple[str, list[Row]]]
    total: int
    page: int
    shown: int
    more: bool
    now: datetime

    @property
    def is_long(self) -> bool:
        """Whether the list has more rows than are shown at a time."""
        return self.total > PAGE

    @property
    def place(self) -> str:
        """Which rows these are."""
        before = (self.page - 1) * PAGE
        return f"{before + 1:,} to {before + self.shown:,}"


async def read_board(database: Database, reader: Actor, asked: Asked) -> Board:
    """The page's content, all from one transaction."""
    now = datetime.now(UTC)
    team_id = None if asked.whole_account else reader.team_id
    async with database.account(reader.account_id) as tenant:
        # The number first: what happens after it is read comes again over the stream.
        _, number = await events.bounds(tenant)
        counts = await board.counts(tenant, reader, team_id=team_id, now=now)
        total: int = getattr(counts, asked.tab.value)
        page = min(asked.page, max(1, ceil(total / PAGE)))
        is_long = total > PAGE
        find = partial(_find, tenant, reader, asked.tab, team_id, now)
        found, more = await find(_part(asked, page, is_long=is_long))
        if not found and page > 1:
            # Of what is looked for there are fewer pages.
            page = 1
            found, more = await find(_part(asked, page, is_long=is_long))
        there = {record.id for record in found}
        kept = [one for one in asked.keep if one not in there]
        if is_long and kept:
            elsewhere, _ = await find(Part(limit=len(kept), among=kept))
            there |= {record.id for record in elsewhere}
        held = asked.keep[: asked.held]
        stay = [one for one in kept if one in held or one not in there]
        gone = await board.by_ids(tenant, stay)
        teams = dict(await offers.team_names(tenant))
        ids = [record.id for record in (*found, *gone)]
        called_in = await called.told(tenant, reader.id, ids)
        closed = [record.id for record in (*found, *gone) if record.status in FINAL]
        closers = await told(tenant, closed, notes=False)
    records = _in_order([*found, *gone], asked.tab, reader) if gone else found
    rows = [
        _row(
            record,
            reader,
            is_gone=record.id not in there,
            called_in=called_in.get(record.id),
            closed_by=closers[record.id].closed_by if record.id in closers else None,
            team=teams.get(record.team_id) if record.team_id else None,
            now=now,
        )
        for record in records
    ]
    groups = _grouped(rows, asked.group)
    return Board(number, counts, rows, groups, total, page, len(found), more, now)


def _part(asked: Asked, page: int, *, is_long: bool) -> Part:
    """In a list that is shown as a whole the browser looks for words by itself."""
    return Part(
        limit=PAGE + 1,
        offset=(page - 1) * PAGE,
        sought=asked.search.split() if is_long else (),
        by_team=asked.group is Grouping.TEAM,
    )


async def _find(
    tenant: Tenant, reader: Actor, tab: Tab, team_id: UUID | None, now: datetime, part: Part
) -> tuple[list[Record], bool]:
    if tab is Tab.CLOSED:
        found = await board.closed(tenant, part, team_id=team_id, now=now)
    else:
        found = await board.living(tenant, tab.value, part, reader_id=reader.id, team_id=team_id)
    return found[:PAGE], len(found) > PAGE


def _in_order(records: list[Record], tab: Tab, reader: Actor) -> list[Record]:
    """The order of the lists, with rows in between that have left them."""
    if tab is Tab.CLOSED:
        return records
    return sorted(
        records,
        key=lambda one: (
            not is_passed_to(one, reader),
            -one.priority.urgency,
            one.created_at,
            one.id,
        ),
    )


def _grouped(rows: list[Row], by: Grouping | None) -> list[tuple[str, list[Row]]]:
    """Rows under their headings, each group in the list's own order; all of them without."""
    if by is None:
        return [("", rows)]
    groups: dict[str, list[Row]] = {}
    for row in rows:
        urgency = words.PRIORITY[row.handoff.priority.value]
        name = urgency if by is Grouping.PRIORITY else row.team or NO_TEAM
        groups.setdefault(name, []).append(row)
    named = list(words.PRIORITY.values()) if by is Grouping.PRIORITY else sorted(groups)
    ordered = [name for name in named if name in groups and name != NO_TEAM]
    return [(name, groups[name]) for name in (*ordered, *({NO_TEAM} & groups.keys()))]


def _row(
    record: Record,
    reader: Actor,
    *,
    is_gone: bool,
    called_in: int | None,
    closed_by: Person | None,
    team: str | None,
    now: datetime,
) -> Row:
    shown = view(record, reader_id=reader.id)
    return Row(
        handoff=shown,
        state=words.state(shown, reader.id, closed_by),
        standing=words.standing(shown, reader.id, closed_by),
        then=words.then(shown, reader.id),
        why=why(record, reader, called_in),
        commands=allowed(record, reader, now),
        is_gone=is_gone,
        is_mine=record.claimed_by is not None and record.claimed_by.id == reader.id,
        team=team,
    )


def is_passed_to(record: Record, reader: Actor) -> bool:
    """Whether it waits for the reader to accept it."""
    return record.transfer_to is not None and record.transfer_to.id == reader.id
