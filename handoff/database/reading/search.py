"""Old work, found again: the account's handoffs by words, by people, by time.

What somebody may not read is not searched for them either: of a parked handoff that nobody else has
picked up, only its parker's search knows the notes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    case,
    cast,
    false,
    func,
    literal,
    not_,
    or_,
    tuple_,
)
from sqlalchemy.dialects.postgresql import TSQUERY

from handoff.contract.record import Record
from handoff.contract.words import FINAL, HandoffStatus, Intent, Outcome, Priority
from handoff.database.gate import Tenant
from handoff.database.pages import page_of
from handoff.database.records import IS_PRIVATE, records, to_record
from handoff.database.tables import HandoffRow, SessionRow, TextsRow
from handoff.rules.sought import Sought

NEAREST = 1000
"""Handoffs that are looked through one by one, before the index is asked for all that there are.

What many have, the newest of these have too, and the index would name each of the many; what few
have, it knows at once.
"""


@dataclass(frozen=True, slots=True)
class SearchPlace:
    """Where a page ended: neither of them ever changes."""

    at: datetime
    id: UUID


@dataclass(frozen=True, slots=True)
class Filters:
    """What is asked for. `since` and `until`: when it was created, or closed; the end is not in it.

    `person` has or had it, handed it off, or is named for it. `claimed_by_id` has it, or had it
    when it was closed; `claimed_first_by_id` was the first who did. `reader_id`: who reads; None
    stands for anybody of the account. `by_closing`: only what is closed, what closed last comes
    first.
    """

    sought: Sought | None = None
    statuses: Sequence[HandoffStatus] = ()
    priorities: Sequence[Priority] = ()
    team_id: UUID | None = None
    person_id: UUID | None = None
    intent: Intent | None = None
    outcomes: Sequence[Outcome] = ()
    claimed_by_id: UUID | None = None
    claimed_first_by_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    reader_id: UUID | None = None
    by_closing: bool = False
    limit: int = 50
    after: SearchPlace | None = None


async def search(tenant: Tenant, wanted: Filters) -> tuple[list[Record], SearchPlace | None]:
    """A page of what fits, newest first; and where the next one starts, if there is one."""
    rows: Sequence[Any] = ()
    match wanted.sought:
        case None:
            rows = await _page(tenant, wanted)
        case Sought(words=None, ids=None):
            return [], None
        case sought:
            rows = await _page(tenant, wanted, _says(sought, wanted), _is_near(tenant, wanted))
            if len(rows) <= wanted.limit:
                rows = await _page(tenant, wanted, _says(sought, wanted), _is_indexed(sought))
    shown, more = page_of(rows, wanted.limit)
    end = shown[-1] if more else None
    at = _ORDER[wanted.by_closing].key
    place = None if end is None else SearchPlace(getattr(end, at), end.id)
    return [to_record(row) for row in shown], place


async def these(tenant: Tenant, ids: Sequence[UUID]) -> list[Record]:
    """Of a list that is shown already, as they are now, in no order; what is gone is left out."""
    query = records(tenant).where(HandoffRow.id.in_(ids))
    return [to_record(row) for row in (await tenant.connection.execute(query)).all()]


_ORDER: dict[bool, Any] = {False: HandoffRow.created_at, True: HandoffRow.resolved_at}


async def _page(tenant: Tenant, wanted: Filters, *which: ColumnElement[bool]) -> Sequence[Any]:
    query = records(tenant).where(*_fits(wanted), *_beyond(wanted), *which)
    if wanted.sought is not None:
        query = query.join(TextsRow, TextsRow.handoff_id == HandoffRow.id)
    rows: Sequence[Any]
    rows = (await tenant.connection.execute(_newest(query, wanted, wanted.limit + 1))).all()
    return rows


def _newest(query: Select[Any], wanted: Filters, most: int) -> Select[Any]:
    return query.order_by(_ORDER[wanted.by_closing].desc(), HandoffRow.id.desc()).limit(most)


def _beyond(wanted: Filters) -> tuple[ColumnElement[bool], ...]:
    """What the order leaves, from where the last page ended."""
    at = _ORDER[wanted.by_closing]
    which: list[ColumnElement[bool]] = []
    if wanted.by_closing:
        which.append(HandoffRow.status.in_(FINAL))
    if wanted.until is not None:
        which.append(at < wanted.until)
    if wanted.after is not None:
        which.append(tuple_(at, HandoffRow.id) < (wanted.after.at, wanted.after.id))
    return tuple(which)


def _is_near(tenant: Tenant, wanted: Filters) -> ColumnElement[bool]:
    nearest = tenant.select(HandoffRow, HandoffRow.id).where(*_beyond(wanted)).correlate(None)
    return HandoffRow.id.in_(_newest(nearest, wanted, NEAREST))


def _is_indexed(sought: Sought) -> ColumnElement[bool]:
    """By words as the index knows them, of notes that the reader may not read as well."""
    if sought.words is None:
        return _is_named(sought)
    found = HandoffRow.id == func.any(func.handoffs_with_words(_query(sought.words)))
    return or_(found, _is_named(sought))


def _says(sought: Sought, wanted: Filters) -> ColumnElement[bool]:
    """By what the reader may read."""
    if sought.words is None:
        return _is_named(sought)
    reader_id = wanted.reader_id
    own = false() if reader_id is None else HandoffRow.escalator_id == reader_id
    said = case((or_(not_(IS_PRIVATE), own), TextsRow.whole), else_=TextsRow.shown)
    return or_(said.bool_op("@@")(_query(sought.words)), _is_named(sought))


def _query(words: str) -> ColumnElement[Any]:
    return cast(func.lower(literal(words)), TSQUERY)


def _is_named(sought: Sought) -> ColumnElement[bool]:
    return false() if sought.ids is None else HandoffRow.id.between(*sought.ids)


def _fits(wanted: Filters) -> list[ColumnElement[bool]]:
    fits: list[ColumnElement[bool]] = []
    if wanted.statuses:
        fits.append(HandoffRow.status.in_(wanted.statuses))
    if wanted.priorities:
        fits.append(HandoffRow.priority.in_(wanted.priorities))
    if wanted.team_id is not None:
        fits.append(SessionRow.team_id == wanted.team_id)
    if wanted.person_id is not None:
        fits.append(or_(*(column == wanted.person_id for column in _PEOPLE)))
    if wanted.intent is not None:
        fits.append(HandoffRow.intent == wanted.intent)
    if wanted.outcomes:
        fits.append(HandoffRow.outcome.in_(wanted.outcomes))
    if wanted.claimed_by_id is not None:
        fits.append(HandoffRow.claimed_by_id == wanted.claimed_by_id)
    if wanted.claimed_first_by_id is not None:
        fits.append(HandoffRow.first_claimed_by_id == wanted.claimed_first_by_id)
    if wanted.since is not None:
        fits.append(_ORDER[wanted.by_closing] >= wanted.since)
    return fits


_PEOPLE = (
    HandoffRow.escalator_id,
    HandoffRow.claimed_by_id,
    HandoffRow.first_claimed_by_id,
    HandoffRow.transfer_to_id,
)
