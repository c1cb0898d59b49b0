"""What the workflow reads: the record, what is due, and what is still to be told."""

from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    Update,
    Uuid,
    bindparam,
    exists,
    func,
    or_,
    update,
)

from handoff.contract.messages import Batch, Envelope, Snapshot
from handoff.contract.record import Record, Step
from handoff.contract.words import DeliveryState, EventType, StepKind
from handoff.database import deliveries
from handoff.database.gate import ANY, Tenant
from handoff.database.records import records, to_record
from handoff.database.tables import DeliveryRow, EventRow, HandoffRow
from handoff.rules.channels import PUSH
from handoff.rules.steps import can_skip_level, next_step


async def look_and_mark(
    tenant: Tenant, handoff_id: UUID, *, ringing: Envelope | None = None
) -> Snapshot | None:
    """The present state; notes in the same transaction that the engine has seen it.

    Nobody waits for a look. A change that comes meanwhile has a version that was not seen yet.

    Args:
        ringing: an event of this transaction, which the caller rings for: it is not owed here.
    """
    rung = int(ringing.id) if ringing is not None else None
    row = (await tenant.run(_state_and_debts(), handoff=handoff_id, rung=rung)).one_or_none()
    if row is None:
        return None
    record = to_record(row)
    if row.seen_version < record.version:
        await _mark_seen(tenant, record)
    step = await _step(tenant, record, row.now)
    owed = [Batch(tenant.account_id, handoff_id, *batch) for batch in sorted(row.unsettled or [])]
    seen = snapshot_of(record, step=step, owed=tuple(owed))
    return with_push(seen, record) if row.unpublished else seen


def with_push(seen: Snapshot, record: Record) -> Snapshot:
    """The same, and Redis has not yet taken every event of the record."""
    push = Batch(record.account_id, record.id, PUSH.name)
    return seen if push in seen.owed else replace(seen, owed=(push, *seen.owed))


def snapshot_of(record: Record, *, step: Step | None, owed: tuple[Batch, ...] = ()) -> Snapshot:
    """The record as the workflow needs it."""
    return Snapshot(
        version=record.version,
        status=record.status,
        priority=record.priority,
        round=record.round,
        rounds_total=record.rounds_total,
        claimed_by=record.claimed_by,
        outcome=record.outcome,
        step=step,
        owed=owed,
    )


@cache
def _state_and_debts() -> Select[Any]:
    """One statement: what is owed is as old as the state that it follows from."""
    handoff_id = bindparam("handoff", type_=Uuid())
    return (
        records(ANY)
        .where(HandoffRow.id == handoff_id)
        .add_columns(
            func.clock_timestamp().label("now"),
            HandoffRow.seen_version,
            deliveries.unsettled(ANY, handoff_id).label("unsettled"),
            _has_unpublished().label("unpublished"),
        )
    )


async def _mark_seen(tenant: Tenant, record: Record) -> None:
    await tenant.run(_seen(), handoff=record.id, seen=record.version)


@cache
def _seen() -> Update:
    version = bindparam("seen", type_=Integer())
    return (
        update(HandoffRow)
        .where(
            HandoffRow.account_id == ANY.account_id,
            HandoffRow.id == bindparam("handoff"),
            HandoffRow.seen_version < version,
        )
        .values(seen_version=version)
    )


async def _step(tenant: Tenant, record: Record, now: datetime) -> Step | None:
    if can_skip_level(record) and not await _may_reach_somebody(tenant, record):
        return Step(StepKind.SKIP_LEVEL, now)
    return next_step(record)


async def _may_reach_somebody(tenant: Tenant, record: Record) -> bool:
    """Whether a message of the running round has reached somebody, or still may, by any channel of
    its level.

    A push that Redis took may: whoever opens a page is shown it.
    """
    rounds = (*deliveries.ROUND_EVENTS, EventType.NO_RECIPIENTS)
    latest = tenant.select(EventRow, func.max(EventRow.number)).where(
        EventRow.handoff_id == record.id, EventRow.type.in_(rounds)
    )
    over = (DeliveryState.FAILED, DeliveryState.SKIPPED)
    query = tenant.select(DeliveryRow, DeliveryRow.handoff_id).where(
        DeliveryRow.handoff_id == record.id,
        DeliveryRow.event_number == latest.scalar_subquery(),
        DeliveryRow.channel.in_(record.policy.levels[record.level].channels),
        or_(DeliveryRow.state.not_in(over), deliveries.lost_answers(DeliveryRow.attempts) > 0),
    )
    return (await tenant.connection.execute(query.limit(1))).first() is not None


def _has_unpublished() -> ColumnElement[bool]:
    """Whether Redis has not yet taken an event of the outer query's handoff."""
    return exists().where(
        EventRow.account_id == HandoffRow.account_id,
        EventRow.handoff_id == HandoffRow.id,
        EventRow.published_at.is_(None),
        EventRow.number.is_distinct_from(bindparam("rung", type_=BigInteger())),
    )
