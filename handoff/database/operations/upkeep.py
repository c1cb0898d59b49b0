"""Queries over all accounts: what the engine's upkeep needs. Nothing here serves a request."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, func, not_, select, tuple_, update

from handoff.contract.words import FINAL, LIVING, UNSETTLED, Intent, Priority
from handoff.database import files
from handoff.database.deliveries import one_by_one
from handoff.database.gate import Database
from handoff.database.tables import (
    AccountRow,
    DeliveryRow,
    EndpointRow,
    EventRow,
    FileRow,
    HandoffRow,
    LeftObjectRow,
    PostRow,
    RefusalRow,
)

PURGED_AT_ONCE = 500
FILES_AT_ONCE = 50
"""Half a gigabyte at most: a file may have 10 MiB."""


@dataclass(frozen=True, slots=True)
class Living:
    """A handoff that should have a workflow, with what is needed to start one again."""

    account_id: UUID
    handoff_id: UUID
    session_id: UUID
    intent: Intent
    priority: Priority
    version: int


_LIVING = (
    HandoffRow.account_id,
    HandoffRow.id.label("handoff_id"),
    HandoffRow.session_id,
    HandoffRow.intent,
    HandoffRow.priority,
    HandoffRow.version,
)


async def unseen(
    database: Database, *, older_than: timedelta, but: Collection[tuple[UUID, int]], limit: int
) -> list[Living]:
    """Those with changes whose signal may have been lost, the oldest first.

    `but`: ids and versions that are left out.
    """
    query = (
        select(*_LIVING)
        .where(
            HandoffRow.version > HandoffRow.seen_version,
            HandoffRow.changed_at < func.clock_timestamp() - older_than,
            tuple_(HandoffRow.id, HandoffRow.version).not_in(but),
        )
        .order_by(HandoffRow.changed_at)
        .limit(limit)
    )
    async with database.engine_room() as connection:
        return [Living(**row._mapping) for row in (await connection.execute(query)).all()]


async def living_page(database: Database, *, after: UUID | None, limit: int) -> list[Living]:
    """A page of the living handoffs, in the order of their ids."""
    query = select(*_LIVING).where(HandoffRow.status.in_(LIVING))
    if after is not None:
        query = query.where(HandoffRow.id > after)
    async with database.engine_room() as connection:
        rows = (await connection.execute(query.order_by(HandoffRow.id).limit(limit))).all()
    return [Living(**row._mapping) for row in rows]


async def closed_but_owing(
    database: Database, *, older_than: timedelta, limit: int
) -> list[Living]:
    """Closed handoffs with messages that wait for long: their workflow should still be there."""
    owing = select(DeliveryRow.handoff_id).where(
        one_by_one(),
        DeliveryRow.state.in_(UNSETTLED),
        DeliveryRow.changed_at < func.clock_timestamp() - older_than,
    )
    query = (
        select(*_LIVING)
        .where(HandoffRow.id.in_(owing), HandoffRow.status.in_(FINAL))
        .order_by(HandoffRow.changed_at)
        .limit(limit)
    )
    async with database.engine_room() as connection:
        return [Living(**row._mapping) for row in (await connection.execute(query)).all()]


async def living_among(database: Database, ids: Collection[UUID]) -> list[Living]:
    """Those of these handoffs that are not closed."""
    query = select(*_LIVING).where(HandoffRow.id.in_(ids), HandoffRow.status.in_(LIVING))
    async with database.engine_room() as connection:
        return [Living(**row._mapping) for row in (await connection.execute(query)).all()]


async def recorded(database: Database, ids: Collection[UUID]) -> set[UUID]:
    """Those of these handoffs that have a record."""
    async with database.engine_room() as connection:
        found = await connection.scalars(select(HandoffRow.id).where(HandoffRow.id.in_(ids)))
    return set(found)


async def purge_closed(database: Database, *, closed_for: timedelta) -> int:
    """Deletes handoffs that were closed long ago, with their history; how many that were."""
    old = (
        select(HandoffRow.id)
        .where(
            HandoffRow.status.in_(FINAL),
            HandoffRow.resolved_at < func.clock_timestamp() - closed_for,
        )
        .limit(PURGED_AT_ONCE)
        # First, as everybody who changes something of a handoff; whoever is at one is not met.
        .with_for_update(skip_locked=True)
    )
    async with database.engine_room() as connection:
        ids = (await connection.scalars(old)).all()
        for table in (PostRow, DeliveryRow, EventRow):
            await connection.execute(delete(table).where(table.handoff_id.in_(ids)))
        # Their callbacks bear their ids.
        await connection.execute(delete(EndpointRow).where(EndpointRow.id.in_(ids)))
        await connection.execute(delete(HandoffRow).where(HandoffRow.id.in_(ids)))
    return len(ids)


async def forget_refusals(database: Database, *, older_than: timedelta) -> int:
    """Whoever asked for these handoffs has heard the no long ago; how many they were."""
    old = RefusalRow.created_at < func.clock_timestamp() - older_than
    async with database.engine_room() as connection:
        return (await connection.execute(delete(RefusalRow).where(old))).rowcount


async def purge_files(database: Database, *, older_than: timedelta) -> int:
    """Deletes files that were added so long ago, of sessions without a handoff that is still kept;
    how many that were."""
    kept = select(HandoffRow.id).where(HandoffRow.session_id == FileRow.session_id)
    old = (
        select(FileRow.id)
        .where(FileRow.created_at < func.clock_timestamp() - older_than, not_(kept.exists()))
        .limit(FILES_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    async with database.engine_room() as connection:
        ids = (await connection.scalars(old)).all()
        # Their chunks go with them.
        gone = delete(FileRow).where(FileRow.id.in_(ids))
        named = gone.returning(FileRow.account_id, FileRow.kept_at)
        await files.leave_objects(connection, (await connection.execute(named)).all())
    return len(ids)


async def left_objects(database: Database, *, limit: int) -> list[str]:
    """Where the objects are that have to be deleted now, the oldest first."""
    query = (
        select(LeftObjectRow.kept_at)
        .where(LeftObjectRow.due_at <= func.clock_timestamp())
        .order_by(LeftObjectRow.due_at)
        .limit(limit)
    )
    async with database.engine_room() as connection:
        return list(await connection.scalars(query))


async def objects_deleted(database: Database, urls: Collection[str]) -> None:
    """They are in no bucket any more."""
    async with database.engine_room() as connection:
        await connection.execute(delete(LeftObjectRow).where(LeftObjectRow.kept_at.in_(urls)))


async def delete_later(database: Database, urls: Collection[str], *, after: timedelta) -> None:
    """Their bucket does not answer: those of others go first."""
    later = update(LeftObjectRow).values(due_at=func.clock_timestamp() + after)
    async with database.engine_room() as connection:
        await connection.execute(later.where(LeftObjectRow.kept_at.in_(urls)))


async def unnamed_objects(database: Database, accounts: Mapping[str, UUID]) -> list[str]:
    """Those of these objects of a bucket that are no file's, by their account; another
    installation's accounts are not known here, and what is theirs is not judged."""
    named = select(FileRow.kept_at).where(FileRow.kept_at.in_(accounts))
    ours = select(AccountRow.id).where(AccountRow.id.in_(set(accounts.values())))
    async with database.engine_room() as connection:
        kept = set(await connection.scalars(named))
        known = set(await connection.scalars(ours))
    return [url for url, account_id in accounts.items() if account_id in known and url not in kept]
