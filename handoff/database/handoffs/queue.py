"""The queue: handoffs in the order in which they want to be taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, tuple_

from handoff.contract.record import Record
from handoff.contract.words import HandoffStatus
from handoff.database.gate import Tenant
from handoff.database.pages import page_of
from handoff.database.reading.called import has_called
from handoff.database.records import records, to_record
from handoff.database.tables import HandoffRow, SessionRow

WAITING = (HandoffStatus.PARKED, HandoffStatus.OPEN)


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """Where a page ended."""

    urgency: int
    created_at: datetime
    id: UUID


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the queue is asked for.

    `team_id` keeps what belongs to another team out, unless it has called `reader_id`.
    """

    statuses: Sequence[HandoffStatus] = WAITING
    team_id: UUID | None = None
    reader_id: UUID | None = None
    mine: UUID | None = None
    limit: int = 50
    after: QueuePlace | None = None


async def read_queue(tenant: Tenant, wanted: Wanted) -> tuple[list[Record], QueuePlace | None]:
    """Urgent first, then longest waiting; and where the next page starts, if there is one."""
    query = (
        records(tenant)
        .add_columns(HandoffRow.urgency)
        .where(HandoffRow.status.in_(wanted.statuses))
        .order_by(HandoffRow.urgency.desc(), HandoffRow.created_at, HandoffRow.id)
        .limit(wanted.limit + 1)
    )
    if wanted.team_id is not None:
        near = [SessionRow.team_id == wanted.team_id, SessionRow.team_id.is_(None)]
        if wanted.reader_id is not None:
            near.append(has_called(tenant, wanted.reader_id))
        query = query.where(or_(*near))
    if wanted.mine is not None:
        mine = (HandoffRow.claimed_by_id, HandoffRow.escalator_id, HandoffRow.transfer_to_id)
        query = query.where(or_(*(column == wanted.mine for column in mine)))
    if wanted.after is not None:
        query = query.where(_comes_after(wanted.after))
    rows = (await tenant.connection.execute(query)).all()
    shown, more = page_of(rows, wanted.limit)
    end = shown[-1] if more else None
    place = None if end is None else QueuePlace(end.urgency, end.created_at, end.id)
    return [to_record(row) for row in shown], place


def _comes_after(place: QueuePlace) -> ColumnElement[bool]:
    return or_(
        HandoffRow.urgency < place.urgency,
        and_(
            HandoffRow.urgency == place.urgency,
            tuple_(HandoffRow.created_at, HandoffRow.id) > (place.created_at, place.id),
        ),
    )
