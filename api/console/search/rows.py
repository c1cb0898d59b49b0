"""What was found, row by row: whose it was, how it ended, and where the words are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from api.console.search.marking import Pattern, Piece, excerpt, marked
from api.console.shared import words
from handoff.contract.people import Actor, Person
from handoff.contract.record import HandoffView, Record
from handoff.contract.words import FINAL
from handoff.database.reading.told import Told
from handoff.database.records import is_private, view


@dataclass(frozen=True, slots=True)
class Row:
    """One handoff. `at`: when it was closed, or else handed off."""

    handoff: HandoffView
    title: list[Piece]
    excerpt: list[Piece]
    standing: str
    had_by: str | None
    at: datetime
    is_closed: bool


def rows_of(
    records: Sequence[Record], reader: Actor, told: dict[UUID, Told], pattern: Pattern | None
) -> list[Row]:
    """As `reader` may see them."""
    return [_row(record, reader, told[record.id], pattern) for record in records]


def _row(record: Record, reader: Actor, told: Told, pattern: Pattern | None) -> Row:
    shown = view(record, reader_id=reader.id)
    is_closed = shown.status in FINAL
    hidden = is_private(record) and record.escalator.id != reader.reader_id
    notes = () if hidden else told.notes
    closer = told.closed_by if is_closed else None
    return Row(
        handoff=shown,
        title=marked(shown.session_title, pattern),
        excerpt=excerpt((shown.engineer_notes, *notes, shown.resolution_note), pattern),
        standing=words.state(shown, reader.id, closer),
        had_by=_had_by(shown, closer) if is_closed else None,
        at=shown.resolved_at or shown.created_at,
        is_closed=is_closed,
    )


def _had_by(shown: HandoffView, closer: Person | None) -> str | None:
    """Who had claimed it, where that was not who closed it."""
    had = shown.claimed_by
    return None if had is None or had == closer else had.name
