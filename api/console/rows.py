"""The queue as the console shows it: its tabs, and each row with what concerns its reader."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from api.console import words
from api.console.allowed import allowed
from handoff.contract import Actor, HandoffStatus, HandoffView, Record, Target, TargetKind
from handoff.database import Database, Tenant, board, events, queue
from handoff.database.board import Counts
from handoff.database.queue import Wanted
from handoff.database.records import view
from handoff.rules.policy import WORKING_ROLES

PAGE = 100


class Tab(StrEnum):
    """The lists of the queue page."""

    WAITING = "waiting"
    MINE = "mine"
    CLAIMED = "claimed"
    PARKED = "parked"
    CLOSED = "closed"


STATUSES = {
    Tab.WAITING: (HandoffStatus.OPEN,),
    Tab.MINE: (HandoffStatus.OPEN, HandoffStatus.PARKED, HandoffStatus.CLAIMED),
    Tab.CLAIMED: (HandoffStatus.CLAIMED,),
    Tab.PARKED: (HandoffStatus.PARKED,),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the page asks for. `keep`: rows on the screen that stay though they have left."""

    tab: Tab
    whole_account: bool
    keep: Sequence[UUID] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One handoff in the list."""

    handoff: HandoffView
    state: str
    why: str | None
    next: words.Timed | None
    commands: list[str]
    is_gone: bool
    is_mine: bool


@dataclass(frozen=True, slots=True)
class Board:
    """Everything that the queue page shows. `number`: live events go on from there."""

    number: int
    counts: Counts
    rows: list[Row]
    more: bool
    now: datetime


async def read_board(database: Database, reader: Actor, asked: Asked) -> Board:
    """The page's content, all from one transaction."""
    now = datetime.now(UTC)
    team_id = None if asked.whole_account else reader.team_id
    async with database.account(reader.account_id) as tenant:
        # The number first: what happens after it is read comes again over the stream.
        _, number = await events.bounds(tenant)
        counts = await board.counts(tenant, reader, team_id=team_id, now=now)
        found, more = await _find(tenant, reader, asked, team_id, now)
        there = {record.id for record in found}
        gone = await board.by_ids(tenant, [kept for kept in asked.keep if kept not in there])
        told = await board.told(tenant, reader.id, [record.id for record in (*found, *gone)])
    records = _in_order([*found, *gone], asked.tab) if gone else found
    rows = [_row(record, reader, record.id not in there, told, now) for record in records]
    return Board(number, counts, rows, more, now)


async def _find(
    tenant: Tenant, reader: Actor, asked: Asked, team_id: UUID | None, now: datetime
) -> tuple[list[Record], bool]:
    if asked.tab is Tab.CLOSED:
        found = await board.closed(tenant, team_id=team_id, limit=PAGE + 1, now=now)
        return found[:PAGE], len(found) > PAGE
    mine = asked.tab is Tab.MINE
    wanted = Wanted(
        statuses=STATUSES[asked.tab],
        team_id=None if mine else team_id,
        mine=reader.id if mine else None,
        limit=PAGE,
    )
    found, end = await queue.page(tenant, wanted)
    return found, end is not None


def _in_order(records: list[Record], tab: Tab) -> list[Record]:
    if tab is Tab.CLOSED:
        return records
    order = ["urgent", "high", "normal", "low"]
    return sorted(records, key=lambda one: (order.index(one.priority), one.created_at, one.id))


def _row(record: Record, reader: Actor, is_gone: bool, told: dict[UUID, int], now: datetime) -> Row:
    shown = view(record, reader_id=reader.id)
    return Row(
        handoff=shown,
        state=words.state(shown),
        why=why(record, reader, told.get(record.id)),
        next=words.next_action(shown.next_action, shown),
        commands=allowed(record, reader, now),
        is_gone=is_gone,
        is_mine=record.claimed_by is not None and record.claimed_by.id == reader.id,
    )


def why(record: Record, reader: Actor, told_in: int | None) -> str | None:
    """Why this concerns the reader, or None when it does not."""
    if record.transfer_to is not None and record.transfer_to.id == reader.id:
        return "Passed to you: claim it to accept"
    if record.claimed_by is not None and record.claimed_by.id == reader.id:
        return "Yours"
    if record.escalator.id == reader.id:
        return "You parked it" if record.status is HandoffStatus.PARKED else "You escalated it"
    if record.status is not HandoffStatus.OPEN or reader.role not in WORKING_ROLES:
        return None
    if told_in is not None:
        return f"You were told: {_reason(record, reader)}"
    return None


def _reason(record: Record, reader: Actor) -> str:
    """The most personal of the targets that hit the reader."""
    targets = record.policy.levels[record.level].targets
    reasons = {
        TargetKind.USER: "by name",
        TargetKind.TEAM: "your team",
        TargetKind.ROLE: f"as {reader.role.value}",
        TargetKind.ACCOUNT: "everyone",
    }
    hit = {target.kind for target in targets if _hits(target, reader)}
    return next((said for kind, said in reasons.items() if kind in hit), "in an earlier round")


def _hits(target: Target, reader: Actor) -> bool:
    match target.kind:
        case TargetKind.ACCOUNT:
            return True
        case TargetKind.ROLE:
            return target.value == reader.role.value
        case TargetKind.TEAM:
            return target.value == str(reader.team_id)
        case TargetKind.USER:
            return target.value == str(reader.id)
