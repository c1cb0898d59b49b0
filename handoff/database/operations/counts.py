"""Numbers over all accounts for `/metrics`: how many wait, and how well. No ids, no names."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Row, func, select

from handoff.contract.words import (
    FINAL,
    UNSETTLED,
    DeliveryState,
    EventType,
    HandoffStatus,
    Priority,
)
from handoff.database.deliveries import one_by_one
from handoff.database.gate import Database
from handoff.database.tables import DeliveryRow, EventRow, HandoffRow


@dataclass(frozen=True, slots=True)
class Counts:
    """What the desk looks like at this moment."""

    living: Sequence[Row[HandoffStatus, Priority, int]]
    unanswered: int
    overdue: int
    without_recipients: int
    unsettled: Sequence[Row[str, DeliveryState, int]]


_OPEN = HandoffRow.status == HandoffStatus.OPEN


async def count(database: Database) -> Counts:
    """Cheap: every query runs on a partial index of what still lives."""
    reached_nobody = (
        select(EventRow.number)
        .where(EventRow.handoff_id == HandoffRow.id, EventRow.type == EventType.NO_RECIPIENTS)
        .exists()
    )
    late = HandoffRow.deadline_at < func.clock_timestamp()
    open_ones = select(
        func.count().filter(HandoffRow.exhausted_at.is_not(None)).label("unanswered"),
        func.count().filter(late).label("overdue"),
        func.count().filter(reached_nobody).label("without_recipients"),
    ).where(_OPEN)
    living = (
        select(HandoffRow.status, HandoffRow.priority, func.count().label("number"))
        .where(HandoffRow.status.not_in(FINAL))
        .group_by(HandoffRow.status, HandoffRow.priority)
    )
    unsettled = (
        select(DeliveryRow.channel, DeliveryRow.state, func.count().label("number"))
        .where(one_by_one(), DeliveryRow.state.in_(UNSETTLED))
        .group_by(DeliveryRow.channel, DeliveryRow.state)
    )
    async with database.engine_room() as connection:
        row = (await connection.execute(open_ones)).one()
        return Counts(
            living=(await connection.execute(living)).all(),
            unanswered=row.unanswered,
            overdue=row.overdue,
            without_recipients=row.without_recipients,
            unsettled=(await connection.execute(unsettled)).all(),
        )
