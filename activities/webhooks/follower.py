"""One turn at following an account's events for one endpoint: page by page, one post at a time.

Whoever posts the next event sees the endpoint as it is by then: its address, its secrets, how much
may leave.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog

from activities.webhooks.bells import Ear
from activities.webhooks.posting import Posted
from handoff.contract.messages import Envelope
from handoff.contract.webhooks import RESTS_AFTER_FAULT, Following, Turn
from handoff.database import following
from handoff.database.following import AttemptRow, Standing
from handoff.rules.causes import Cause
from handoff.sealing import Unsealable

if TYPE_CHECKING:
    from activities.webhooks.follow import WebhookActivities

logger = structlog.get_logger(__name__)

PAGE = 20

UNSEALED = Posted(None, Cause.KEY_MISSING, timedelta(0), timedelta(seconds=RESTS_AFTER_FAULT))
"""Nothing can be signed without its secret: it is tried again, for the key may be put back."""

DISABLED = "failed"
GONE = "gone"


@dataclass(frozen=True, slots=True)
class Follower:
    """One turn for one endpoint."""

    house: WebhookActivities
    ref: Following
    holder: UUID
    ear: Ear

    async def run(self, ends: asyncio.Future[None]) -> Turn:
        clock = asyncio.get_running_loop().time
        until = clock() + self.house.turn_lasts()
        while not ends.done() and clock() < until:
            self.ear.rung.clear()
            turn, more = await self._once(ends)
            if turn is not None:
                return turn
            if not more:
                quiet = self.house.bells.quiet(self.ref.account_id)
                await self._listen(ends, min(quiet, until - clock()))
                until = min(until, clock() + self.house.turn_lasts())
        return Turn()

    async def _listen(self, ends: asyncio.Future[None], seconds: float) -> None:
        rung: asyncio.Future[Any] = asyncio.ensure_future(self.ear.rung.wait())
        try:
            await asyncio.wait({rung, ends}, timeout=seconds, return_when="FIRST_COMPLETED")
        finally:
            rung.cancel()

    async def _once(self, ends: asyncio.Future[None]) -> tuple[Turn | None, bool]:
        """A page of events; the turn's end, if this was it, and whether there may be more."""
        async with self.house.database.account(self.ref.account_id) as tenant:
            standing, found = await following.page(tenant, self.ref.webhook_id, limit=PAGE)
        if standing is None:
            return Turn(is_over=True), False
        if standing.disabled_at is not None:
            # Whoever disabled it may have died before anybody was told.
            untold = standing.disabled_at if standing.told_at is None else None
            return Turn(is_over=True, disabled_at=untold), False
        if standing.holder != self.holder:
            return Turn(), False
        if standing.rests:
            return Turn(pause=standing.rests.total_seconds()), False
        return await self._post_all(standing, found, ends), bool(found)

    async def _post_all(
        self, standing: Standing, found: Sequence[Envelope], ends: asyncio.Future[None]
    ) -> Turn | None:
        for envelope in found:
            if ends.done() or self.house.was_asleep(self.holder, self.ref.takeover):
                return Turn()
            if not standing.wants(envelope):
                continue
            number = int(envelope.id)
            posted = await self._post(standing, envelope)
            self._log(posted, number)
            attempt = AttemptRow(number, posted.took, posted.code, posted.cause.value)
            if not posted.taken:
                return await self._failed(standing, attempt, posted)
            goes_on = await self._taken(attempt, standing.place)
            if goes_on is None:
                return None
            standing = goes_on
        if found and standing.place < (last := int(found[-1].id)):
            async with self.house.database.account(self.ref.account_id) as tenant:
                await following.pass_over(
                    tenant, self.ref.webhook_id, self.holder, seen=standing.place, number=last
                )
        return None

    async def _post(self, standing: Standing, envelope: Envelope) -> Posted:
        try:
            parcel = self.house.parcel(self.ref, standing, envelope, name=envelope.id)
        except Unsealable as fault:
            logger.error("webhook.unsealable", webhook_id=self._id, cause=str(fault))
            return UNSEALED
        return await self.house.poster.post(parcel)

    async def _taken(self, attempt: AttemptRow, place: int) -> Standing | None:
        """How it stands now, for what comes next: where it goes and how much leaves may have been
        changed. None where the page is to be read again."""
        async with self.house.database.account(self.ref.account_id) as tenant:
            if not await following.taken(
                tenant, self.ref.webhook_id, self.holder, attempt, seen=place
            ):
                return None
            found = await following.standing(tenant, self.ref.webhook_id)
        if found is None or found.disabled_at is not None or found.holder != self.holder:
            return None
        return found if found.place == attempt.number else None

    async def _failed(self, standing: Standing, attempt: AttemptRow, posted: Posted) -> Turn | None:
        patience = self.house.poster.patience
        pause = posted.pause(patience, standing.tried + 1)
        failing_for = standing.now - (standing.failing_since or standing.now)
        ours = posted.cause is Cause.KEY_MISSING
        ends = failing_for > patience.longest and not ours
        why = GONE if posted.cause is Cause.GONE else DISABLED if ends else None
        async with self.house.database.account(self.ref.account_id) as tenant:
            stood = await following.failed(
                tenant,
                self.ref.webhook_id,
                self.holder,
                attempt,
                seen=standing.place,
                pause=pause,
                disabled_why=why,
                ours=ours,
            )
        if not stood:
            return None
        if why is not None:
            # Since when, and whether anybody has heard of it, is read with the next page.
            logger.warning("webhook.disabled", webhook_id=self._id, cause=why)
            return None
        return Turn(pause=pause.total_seconds())

    def _log(self, posted: Posted, number: int) -> None:
        state = "taken" if posted.taken else "failed"
        logger.info(
            f"webhook.{state}",
            webhook_id=self._id,
            number=number,
            code=posted.code,
            cause=posted.cause.value,
        )

    @property
    def _id(self) -> str:
        return str(self.ref.webhook_id)
