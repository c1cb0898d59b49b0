"""Rings for a committed change, and writes down what Redis took: of that nothing is owed."""

import structlog
from redis.asyncio import Redis

from handoff import live
from handoff.contract.messages import HandoffRef
from handoff.database import deliveries, outages
from handoff.database.gate import Database
from handoff.database.handoffs.transitions import Changed

logger = structlog.get_logger(__name__)


async def announce(database: Database, redis: Redis, changed: Changed) -> bool:
    """At once and at most once; whether nothing of it is owed any more.

    What Redis did not take, or nobody wrote down, the push activity repeats until it is taken.
    Never raises for a dependency that is away.
    """
    if changed.envelope is None:
        return True
    account_id, number = changed.record.account_id, int(changed.envelope.id)
    if not await live.ring(redis, account_id, [changed.envelope]):
        return False
    try:
        await mark_taken(database, HandoffRef(account_id, changed.record.id), [number])
    except outages.AWAY as fault:
        logger.warning("doorbell.unwritten", cause=outages.cause(fault))
        return False
    return True


async def mark_taken(database: Database, of: HandoffRef, numbers: list[int]) -> None:
    """Redis took these events of a handoff: neither they nor their pushes are owed any more."""
    async with database.account(of.account_id) as tenant:
        await deliveries.mark_taken(tenant, of.handoff_id, numbers)
