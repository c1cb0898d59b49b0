"""Queries over all accounts: what the engine's upkeep needs. Nothing here serves a request."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, update

from handoff.contract import FINAL, HandoffStatus
from handoff.database import Database
from handoff.database.tables import HandoffRow


@dataclass(frozen=True, slots=True)
class Unseen:
    """A change that the engine has not seen yet."""

    account_id: UUID
    handoff_id: UUID
    version: int
    status: HandoffStatus
    changed_at: datetime

    @property
    def is_final(self) -> bool:
        """Whether there is nothing to carry on with once its workflow is gone."""
        return self.status in FINAL


async def unseen(database: Database, *, older_than: timedelta, limit: int) -> list[Unseen]:
    """Changes whose signal may have been lost, the oldest first."""
    query = (
        select(
            HandoffRow.account_id,
            HandoffRow.id.label("handoff_id"),
            HandoffRow.version,
            HandoffRow.status,
            HandoffRow.changed_at,
        )
        .where(
            HandoffRow.version > HandoffRow.seen_version,
            HandoffRow.changed_at < func.clock_timestamp() - older_than,
        )
        .order_by(HandoffRow.changed_at)
        .limit(limit)
    )
    async with database.engine_room() as connection:
        return [Unseen(**row._mapping) for row in (await connection.execute(query)).all()]


async def forget(database: Database, change: Unseen) -> None:
    """Its workflow has ended, and the record is closed: nobody is left to see it."""
    async with database.engine_room() as connection:
        await connection.execute(
            update(HandoffRow)
            .where(HandoffRow.id == change.handoff_id, HandoffRow.version == change.version)
            .values(seen_version=change.version)
        )
