"""Following an account's events for one endpoint: posted in order, one at a time, none skipped.

Its place stands in PostgreSQL and moves with each answer of 2xx, so that whoever goes on after a
death posts again what may not have been taken, and nothing is left out. A turn lasts while there
is something to post or a bell to wait for; an endpoint's trouble is the workflow's to sleep
through, so that it holds no slot.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from uuid import UUID, uuid4

import structlog
from temporalio import activity

from activities.webhooks.bells import Bells
from activities.webhooks.follower import UNSEALED, Follower
from activities.webhooks.posting import Parcel, Poster
from handoff import live
from handoff.contract.messages import Envelope
from handoff.contract.webhooks import (
    FOLLOW,
    RESTS_AFTER_FAULT,
    TRY_OUT,
    Following,
    Turn,
    WebhookTried,
)
from handoff.database import following, outages
from handoff.database.directory.webhooks import purpose
from handoff.database.following import AttemptRow, Standing
from handoff.database.gate import Database
from handoff.errors import NotFound
from handoff.ids import new_id
from handoff.rules.channels import WEBHOOK
from handoff.rules.content import event_within, of_channel
from handoff.sealing import Unsealable, unseal
from handoff.temporal.key_ring import KeyRing
from handoff.wire import rfc3339

logger = structlog.get_logger(__name__)

SLOTS = 1000
"""Turns of one process at the same time. Most of them wait for a bell, which costs them little."""

CROWDED = SLOTS * 4 // 5

TURN, SHORT_TURN = 600.0, 5.0
"""Seconds that a turn lasts; where slots are few, others have theirs soon."""

RESTS_WITHOUT_RECORD = 5.0
"""Seconds until what cannot be read is read again."""


@dataclass(slots=True)
class WebhookActivities:
    """A process's followers."""

    database: Database
    poster: Poster
    bells: Bells
    keyring: KeyRing
    _turns: int = 0
    _beaten: dict[UUID, float] = field(default_factory=dict)

    @activity.defn(name=FOLLOW)
    async def follow(self, ref: Following) -> Turn:
        """One turn, until the other side has to be waited for, or others have theirs."""
        holder = uuid4()
        try:
            async with self.database.account(ref.account_id) as tenant:
                await following.take_over(tenant, ref.webhook_id, holder)
            with self.bells.hear(ref.account_id) as ear:
                async with self._alive(ref, holder) as ends:
                    return await Follower(self, ref, holder, ear).run(ends)
        except outages.AWAY as fault:
            cause = type(fault).__name__
            logger.warning("webhook.unread", webhook_id=str(ref.webhook_id), cause=cause)
            return Turn(pause=RESTS_WITHOUT_RECORD)
        except Exception:  # Whatever it was, it is not tried again and again in no time.
            logger.exception("webhook.stumbled", webhook_id=str(ref.webhook_id))
            return Turn(pause=RESTS_AFTER_FAULT)

    @activity.defn(name=TRY_OUT)
    async def try_out(self, ref: Following) -> WebhookTried:
        """Posts a test, which is no event of the account, beside whatever is followed."""
        async with self.database.account(ref.account_id) as tenant:
            standing = await following.standing(tenant, ref.webhook_id)
        if standing is None:
            raise NotFound("There is no such webhook.")
        envelope = _test_of(ref, standing)
        try:
            parcel = self.parcel(ref, standing, envelope, name=envelope.subject)
        except Unsealable:
            posted = UNSEALED
        else:
            posted = await self.poster.post(parcel)
        attempt = AttemptRow(0, posted.took, posted.code, posted.cause.value)
        async with self.database.account(ref.account_id) as tenant:
            await following.tested(tenant, ref.webhook_id, attempt)
        took_ms = round(posted.took.total_seconds() * 1000)
        return WebhookTried(posted.taken, posted.code, posted.cause.value, took_ms)

    def parcel(
        self, ref: Following, standing: Standing, envelope: Envelope, *, name: str
    ) -> Parcel:
        """What is posted about an event. `name`: what tells it from others of this endpoint.

        Raises:
            Unsealable: the secret's key is not in the ring.
        """
        content = of_channel(standing.content, WEBHOOK.name)
        said = replace(envelope, data=event_within(envelope.data, content))
        sealed_for = purpose(ref.webhook_id)
        secrets = [unseal(self.keyring, one, purpose=sealed_for) for one in standing.secrets]
        message_id = f"msg_{ref.webhook_id.hex}_{name}"
        return Parcel(message_id, ref.account_id, standing.url, live.encode(said), secrets)

    def turn_lasts(self) -> float:
        """Seconds; the fewer slots are left, the sooner others are let in."""
        return SHORT_TURN if self._turns > CROWDED else TURN

    def was_asleep(self, holder: UUID, takeover: float) -> bool:
        """Whether this process stood still for so long that somebody else may be at it."""
        return asyncio.get_running_loop().time() - self._beaten[holder] > takeover

    @asynccontextmanager
    async def _alive(self, ref: Following, holder: UUID) -> AsyncIterator[asyncio.Future[None]]:
        """Signs of life for the engine; what is given is done when this worker is to stop."""
        clock = asyncio.get_running_loop().time

        async def beat() -> None:
            while True:
                await asyncio.sleep(ref.takeover / 4)
                self._beaten[holder] = clock()
                activity.heartbeat()

        self._turns += 1
        self._beaten[holder] = clock()
        beating = asyncio.create_task(beat())
        ends = asyncio.ensure_future(activity.wait_for_worker_shutdown())
        try:
            yield ends
        finally:
            beating.cancel()
            ends.cancel()
            del self._beaten[holder]
            self._turns -= 1


def _test_of(ref: Following, standing: Standing) -> Envelope:
    return Envelope(
        id="0",
        source=f"/accounts/{ref.account_id}",
        type="handoff.test",
        subject=str(new_id()),
        time=standing.now,
        data={"webhook_id": str(ref.webhook_id), "at": rfc3339(standing.now)},
    )
