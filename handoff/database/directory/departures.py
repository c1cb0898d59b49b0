"""What a change of the directory begins and ends with: one at a time, and nothing left hanging."""

from uuid import UUID

from sqlalchemy import func

from handoff.contract.people import Actor
from handoff.contract.words import EventType, HandoffStatus
from handoff.database import people
from handoff.database.gate import Tenant
from handoff.database.handoffs import transitions
from handoff.database.handoffs.transitions import Changed
from handoff.database.records import find_record
from handoff.database.tables import HandoffRow
from handoff.rules.directory import must_lead
from handoff.rules.reopening import reopen


async def begin_change(tenant: Tenant, caller: Actor) -> Actor:
    """The actor at this moment, once every other change of this account's directory is done.

    Without the turn, two owners could unmake each other at once, and none would be left.
    """
    await take_turn(tenant)
    actor = await people.act_as(tenant, caller)
    must_lead(actor)
    return actor


async def take_turn(tenant: Tenant) -> None:
    """Waits for every other change of this account's directory. The first lock of all."""
    key = func.hashtextextended(f"directory:{tenant.account_id}", 0)
    await tenant.connection.execute(func.pg_advisory_xact_lock(key).select())


async def release_claims(
    tenant: Tenant, actor: Actor | None, user_id: UUID, *, reason: str
) -> list[Changed]:
    """Gives back to the queue what the user has claimed: a fresh round 1 for each.

    `actor`: who may change the directory, and did; None for the import.
    """
    held = (
        tenant.select(HandoffRow, HandoffRow.id)
        .where(
            HandoffRow.claimed_by_id == user_id,
            HandoffRow.status == HandoffStatus.CLAIMED,
        )
        .order_by(HandoffRow.id)
        # All of them before the first event: whoever holds one of these may want the counter.
        .with_for_update(key_share=True)
    )
    ids = (await tenant.connection.scalars(held)).all()
    return [await _release(tenant, actor, handoff_id, reason) for handoff_id in ids]


async def _release(tenant: Tenant, actor: Actor | None, handoff_id: UUID, reason: str) -> Changed:
    found = await find_record(tenant, handoff_id)
    assert found is not None  # noqa: S101 - it is locked
    record, now = found
    change = reopen(record, now, EventType.RELEASED, {"reason": reason})
    changed = await transitions.apply(tenant, record, change, actor=actor, now=now)
    assert changed is not None  # noqa: S101 - a locked record cannot change under its lock
    return changed
