"""The record's side effects: write a handoff, read it, carry out what the clock asks for."""

import asyncio
from dataclasses import dataclass

from redis.asyncio import Redis
from temporalio import activity

from handoff import live
from handoff.contract.messages import HandoffRef, NewHandoff, Recorded, Snapshot, StepOrder
from handoff.database.gate import Database
from handoff.database.handoffs import creation, snapshots, transitions
from handoff.database.handoffs.transitions import Changed
from handoff.settings import Settings

_ringing: set[asyncio.Task[None]] = set()


@dataclass(frozen=True, slots=True)
class RecordActivities:
    """Everything that goes through PostgreSQL's record."""

    database: Database
    redis: Redis
    settings: Settings

    @activity.defn
    async def record_handoff(self, new: NewHandoff) -> Recorded:
        """Writes the handoff, or says why not. Idempotent by the handoff's id."""
        recorded, changed = await creation.record(
            self.database,
            new,
            claim_timeout=self.settings.claim_timeout,
            max_rounds=self.settings.max_rounds,
        )
        self._ring_soon(changed)
        return recorded

    @activity.defn
    async def look(self, ref: HandoffRef) -> Snapshot | None:
        """The record as it is now. The version that it shows counts as seen by the engine."""
        return await snapshots.look_and_mark(self.database, ref)

    @activity.defn
    async def take_step(self, order: StepOrder) -> Snapshot | None:
        """One timed step, unless the record has moved on; then, as `look`, the record after it."""
        changed = await transitions.step(self.database, order, self.settings.retention)
        self._ring_soon(changed)
        return await snapshots.look_and_mark(
            self.database, HandoffRef(order.account_id, order.handoff_id)
        )

    def _ring_soon(self, changed: Changed | None) -> None:
        """Nobody waits for the bell: the push activity repeats it."""
        ringing = asyncio.create_task(self._ring(changed))
        _ringing.add(ringing)
        ringing.add_done_callback(_ringing.discard)

    async def _ring(self, changed: Changed | None) -> None:
        if changed is not None and changed.envelope is not None:
            account_id = changed.record.account_id
            await live.ring(self.redis, account_id, [changed.envelope])
