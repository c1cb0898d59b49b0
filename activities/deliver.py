"""Delivering: what one batch owes by its channel, each message at least once and told of honestly.

Delays are data on the error that is raised for the messages still unsettled; the ledger, not the
engine, says which those are.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from redis.asyncio import Redis
from temporalio import activity

from activities.delayed import delayed
from activities.delivery import Delivery, Fate, Means
from activities.ledger import Ledger
from activities.sender import Sender, SendOutcome
from handoff.contract.messages import Batch
from handoff.contract.record import Record
from handoff.contract.words import DeliveryState
from handoff.database.gate import Database
from handoff.database.messages import outbox
from handoff.database.messages.outbox import Due
from handoff.database.records import find_record
from handoff.rules.causes import Cause
from handoff.rules.channels import CHANNELS
from handoff.settings import Settings

BEAT_EVERY = 0.2

KEEPS_PLACE = 0.5
"""Seconds after which a batch goes behind those who wait for a place to send from. Messages of one
batch that are under way together share their transactions."""


@dataclass(frozen=True, slots=True)
class DeliverActivities:
    """Everything that leaves one by one."""

    database: Database
    redis: Redis
    senders: Mapping[str, Sender]
    settings: Settings
    _places: dict[str, asyncio.Semaphore] = field(default_factory=dict)

    @activity.defn
    async def deliver(self, batch: Batch) -> bool:
        """Sends what the batch still owes; whether somebody got nothing, which the engine must see.

        Raises:
            ApplicationError: some failed for a while; says when to try again.
        """
        async with self.database.account(batch.account_id) as tenant:
            due = await outbox.due(tenant, batch, burst=self.settings.burst_window)
            found = await find_record(tenant, batch.handoff_id)
        if found is None:
            return False
        async with _heartbeats():
            fates = await self._deliver_all(batch, due, found[0])
        pauses = [fate.pause for fate in fates if fate.pause is not None]
        if pauses:
            raise delayed(f"{len(pauses)} of {batch.count} to be tried again", after=min(pauses))
        # What came of an earlier attempt was not told yet.
        return activity.info().attempt > 1 or any(fate.unreached for fate in fates)

    async def _deliver_all(self, batch: Batch, due: list[Due], record: Record) -> list[Fate]:
        """Several at a time, so that one slow destination does not hold up all behind it.

        At most half of the connections: other handoffs' messages have to leave, too.
        """
        means = self._means(batch.channel)
        at_once = max(1, means.sender.connections // 2)
        ledger = Ledger(self.database, batch.account_id, many=len(due) > at_once)
        waiting = deque(Delivery(means, ledger, message, record) for message in due)
        lanes = min(len(due), at_once)
        came: dict[Delivery, Fate | Exception] = {}
        await asyncio.gather(*(self._lane(means, waiting, came) for _ in range(lanes)))
        fates = [fate for fate in came.values() if isinstance(fate, Fate) and fate.refused is None]
        refused = [
            (one, fate.refused)
            for one, fate in came.items()
            if isinstance(fate, Fate) and fate.refused is not None
        ]
        fates += await self._end_refused(batch, refused, of=len(due))
        for fate in came.values():
            if isinstance(fate, Exception):
                raise fate
        return fates

    async def _lane(
        self, means: Means, waiting: deque[Delivery], came: dict[Delivery, Fate | Exception]
    ) -> None:
        """One message after the other. A place is held until the ledger has the answer: a process
        that is killed has as many messages sent again as there are connections, at the most."""
        clock = asyncio.get_running_loop().time
        places = self._places.setdefault(
            means.channel.name, asyncio.Semaphore(means.sender.connections)
        )
        while waiting:
            async with places:
                until = clock() + KEEPS_PLACE
                while waiting and clock() < until:
                    one = waiting.popleft()
                    try:
                        came[one] = await one.run()
                    except Exception as fault:  # One that fails takes no other one along.
                        came[one] = fault

    async def _end_refused(
        self, batch: Batch, refused: list[tuple[Delivery, SendOutcome]], *, of: int
    ) -> list[Fate]:
        """One recipient's refusal is their own. That of everybody is the system's: tried again."""
        if not refused:
            return []
        async with self.database.account(batch.account_id) as tenant:
            others = await outbox.others_of_event(tenant, batch)
        everybody = len(refused) == of and len(refused) + others.refused > 1
        if everybody and not others.reached:
            refused = [(one, _for_now(outcome)) for one, outcome in refused]
        return [await one.end(outcome) for one, outcome in refused]

    def _means(self, channel: str) -> Means:
        return Means(
            channel=CHANNELS[channel],
            sender=self.senders[channel],
            database=self.database,
            redis=self.redis,
            burst_delay=self.settings.burst_delay,
        )


def _for_now(outcome: SendOutcome) -> SendOutcome:
    return SendOutcome(DeliveryState.RETRYING, outcome.code, Cause.EVERYBODY_REFUSED)


@asynccontextmanager
async def _heartbeats() -> AsyncIterator[None]:
    """Tells Temporal that this worker lives, and hears whether to stop; most are faster."""

    async def beat() -> None:
        while True:
            await asyncio.sleep(BEAT_EVERY)
            activity.heartbeat()

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
