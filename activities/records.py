"""The record's side effects: write a handoff, read it, carry out what the clock asks for.

All of them run in the workflow's own task, so none may take long.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from redis.asyncio import Redis
from temporalio import activity

from handoff.contract.messages import HandoffRef, NewHandoff, Recorded, Snapshot, StepOrder
from handoff.contract.record import Record
from handoff.database.gate import Database
from handoff.database.handoffs import creation, snapshots, transitions
from handoff.database.handoffs.announcing import announce
from handoff.settings import Settings

OnRecorded = Callable[[NewHandoff, Recorded, Record | None], None]


def _nobody_waits(new: NewHandoff, recorded: Recorded, record: Record | None) -> None:
    """Where the caller is in another process, the workflow tells it."""


@dataclass(frozen=True, slots=True)
class RecordActivities:
    """Everything that goes through PostgreSQL's record.

    `on_recorded` is called as soon as the record has spoken to a new handoff: whoever waits in this
    process is answered before anything else is done.
    """

    database: Database
    redis: Redis
    settings: Settings
    on_recorded: OnRecorded = _nobody_waits

    @activity.defn
    async def record_handoff(self, new: NewHandoff) -> Recorded:
        """Writes the handoff, or says why not. Idempotent by the handoff's id."""
        recorded, changed = await creation.record(
            self.database,
            new,
            claim_timeout=self.settings.claim_timeout,
            max_rounds=self.settings.max_rounds,
        )
        self.on_recorded(new, recorded, changed.record if changed else None)
        if changed is None or recorded.first is None:
            return recorded
        if await announce(self.database, self.redis, changed):
            return recorded
        return replace(recorded, first=snapshots.with_push(recorded.first, changed.record))

    @activity.defn
    async def look(self, ref: HandoffRef) -> Snapshot | None:
        """The record as it is now. The version that it shows counts as seen by the engine."""
        async with self.database.account(ref.account_id) as tenant:
            return await snapshots.look_and_mark(tenant, ref.handoff_id)

    @activity.defn
    async def take_step(self, order: StepOrder) -> Snapshot | None:
        """One timed step, unless the record has moved on; then, as `look`, the record after it."""
        async with self.database.account(order.account_id) as tenant:
            changed = await transitions.step(tenant, order, self.settings.retention)
            seen = await snapshots.look_and_mark(
                tenant, order.handoff_id, ringing=changed.envelope if changed else None
            )
        if changed is None or seen is None or await announce(self.database, self.redis, changed):
            return seen
        return snapshots.with_push(seen, changed.record)
