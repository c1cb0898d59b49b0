"""Push: every event of a handoff goes to Redis until Redis took it, in the order of its number."""

from dataclasses import dataclass

from redis.asyncio import Redis
from temporalio import activity
from temporalio.exceptions import ApplicationError

from handoff import live
from handoff.contract.messages import Batch, HandoffRef
from handoff.database import events
from handoff.database.gate import Database
from handoff.database.handoffs.announcing import mark_taken


@dataclass(frozen=True, slots=True)
class PushActivities:
    """Rings the doorbell for what has been committed; readers fold repeats by number."""

    database: Database
    redis: Redis

    @activity.defn
    async def publish(self, batch: Batch) -> int:
        """Publishes what Redis has not yet taken; how many that were."""
        async with self.database.account(batch.account_id) as tenant:
            waiting = await events.unpublished(tenant, batch.handoff_id)
        if not waiting:
            return 0
        try:
            await live.publish(self.redis, batch.account_id, waiting)
        except live.SILENT as fault:
            raise ApplicationError("Redis did not take it", type=type(fault).__name__) from None
        numbers = [int(envelope.id) for envelope in waiting]
        await mark_taken(self.database, HandoffRef(batch.account_id, batch.handoff_id), numbers)
        return len(waiting)
