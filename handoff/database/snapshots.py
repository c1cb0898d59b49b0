"""What the workflow reads: the record, what is due, and what is still to be told."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, func, select, update

from handoff.contract import (
    Channel,
    DeliveryState,
    HandoffRef,
    Record,
    Snapshot,
    Step,
    StepKind,
)
from handoff.database import Database, Tenant, deliveries
from handoff.database.records import find_record
from handoff.database.tables import DeliveryRow, EventRow, HandoffRow
from handoff.rules.steps import can_skip_level, next_step


async def look(database: Database, ref: HandoffRef) -> Snapshot | None:
    """The present state; notes in the same transaction that the engine has seen it."""
    async with database.account(ref.account_id) as tenant:
        found = await find_record(tenant, ref.handoff_id, lock=True)
        if found is None:
            return None
        record, now = found
        await _mark_seen(tenant, record)
        return Snapshot(
            version=record.version,
            status=record.status,
            priority=record.priority,
            round=record.round,
            rounds_total=record.rounds_total,
            claimed_by_id=record.claimed_by.id if record.claimed_by else None,
            step=await _step(tenant, record, now),
            mail=await deliveries.unsettled(tenant, record.id),
            unpublished=await _has_unpublished(tenant, record.id),
        )


async def _mark_seen(tenant: Tenant, record: Record) -> None:
    await tenant.connection.execute(
        update(HandoffRow)
        .where(
            HandoffRow.account_id == tenant.account_id,
            HandoffRow.id == record.id,
            HandoffRow.seen_version < record.version,
        )
        .values(seen_version=record.version)
    )


async def _step(tenant: Tenant, record: Record, now: datetime) -> Step | None:
    if can_skip_level(record) and await _round_failed(tenant, record):
        return Step(StepKind.SKIP_LEVEL, now)
    return next_step(record)


async def _round_failed(tenant: Tenant, record: Record) -> bool:
    """Whether every mail of the running round has failed for good, and nobody saw its push."""
    latest = select(func.max(DeliveryRow.event_number)).where(
        DeliveryRow.account_id == tenant.account_id,
        DeliveryRow.handoff_id == record.id,
        DeliveryRow.event_type.in_(deliveries.ROUND_EVENTS),
    )
    query = tenant.select(
        DeliveryRow,
        func.count().filter(DeliveryRow.state == DeliveryState.FAILED).label("failed"),
        func.count()
        .filter(
            DeliveryRow.channel == Channel.EMAIL,
            DeliveryRow.state.not_in([DeliveryState.FAILED, DeliveryState.SKIPPED]),
        )
        .label("hopeful"),
        func.count().filter(DeliveryRow.state == DeliveryState.SEEN).label("seen"),
    ).where(
        DeliveryRow.handoff_id == record.id,
        DeliveryRow.round == record.round,
        DeliveryRow.event_number == latest.scalar_subquery(),
    )
    row = (await tenant.connection.execute(query)).one()
    return bool(row.failed and not row.hopeful and not row.seen)


async def _has_unpublished(tenant: Tenant, handoff_id: UUID) -> bool:
    query = select(
        exists().where(
            EventRow.account_id == tenant.account_id,
            EventRow.handoff_id == handoff_id,
            EventRow.published_at.is_(None),
        )
    )
    return bool(await tenant.connection.scalar(query))
