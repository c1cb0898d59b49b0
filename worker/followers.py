"""Webhooks without a follower that works get one again, and secrets are sealed with today's key."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog
from temporalio.client import Client

from handoff.contract.webhooks import Following
from handoff.database.gate import Database
from handoff.database.operations import sealed
from handoff.database.operations.health import Finding
from handoff.database.operations.sealed import Followed
from handoff.keys import keyring_of
from handoff.sealing import Unsealable, is_current, seal, unseal
from handoff.settings import Settings
from handoff.temporal import queues
from handoff.temporal.connect import UNANSWERED
from worker.orphans import is_stuck
from workflows.following import wake

logger = structlog.get_logger(__name__)

WITHIN = 2.0
PAGE = 1000
AT_ONCE = 100

STUCK, SILENT = "stuck_workflow_task", "silent_webhook"


@dataclass(frozen=True, slots=True)
class Followers:
    """The auditor's look at them."""

    client: Client
    database: Database
    settings: Settings

    async def look(self) -> int:
        """Starts those that are missing, and seals anew; how many were started."""
        await self._seal_anew()
        running = await self._running()
        missing = [
            one for one in await sealed.webhooks(self.database) if one.webhook_id not in running
        ]
        for one in missing:
            if await self._wake(one):
                logger.warning("follower.started_again", webhook_id=str(one.webhook_id))
        return len(missing)

    async def look_at_silent(self, *, grace: timedelta) -> list[Finding]:
        """Those that run, and have tried nothing for long although there is something: the ones
        whose tasks fail again and again are replaced, the others nudged. All are told of."""
        silent = await sealed.silent_webhooks(self.database, grace=grace, limit=AT_ONCE)
        return [await self._stir(one) for one in silent]

    async def _stir(self, one: Followed) -> Finding:
        handle = self.client.get_workflow_handle(queues.webhook_workflow_id(one.webhook_id))
        stuck = False
        with suppress(*UNANSWERED):
            async with asyncio.timeout(WITHIN):
                stuck = is_stuck((await handle.describe()).raw_description)
        if await self._wake(one, instead=stuck) and stuck:
            return Finding(STUCK, None, f"that of webhook {one.webhook_id} had to be replaced")
        return Finding(SILENT, None, f"webhook {one.webhook_id} is behind, and nothing is tried")

    async def _wake(self, one: Followed, *, instead: bool = False) -> bool:
        takeover = self.settings.webhook_takeover.total_seconds()
        ref = Following(one.account_id, one.webhook_id, takeover)
        queue = self.settings.task_queue
        try:
            async with asyncio.timeout(WITHIN):
                await wake(self.client, ref, task_queue=queue, instead=instead)
        except UNANSWERED as fault:
            cause = type(fault).__name__
            logger.warning("wake.unanswered", webhook_id=str(one.webhook_id), cause=cause)
            return False
        return True

    async def _running(self) -> set[object]:
        query = (
            f"WorkflowType = 'Webhook' AND TaskQueue = '{self.settings.task_queue}'"
            " AND ExecutionStatus = 'Running'"
        )
        listed = self.client.list_workflows(query, page_size=PAGE)
        return {queues.webhook_id(one.id) async for one in listed}

    async def _seal_anew(self) -> int:
        """Writes with today's key what an earlier one has sealed: that one may be taken away."""
        ring = keyring_of(self.settings)
        changed = 0
        for kept in await sealed.secrets(self.database):
            sealed_ones = kept.text.split()
            if all(is_current(ring, one) for one in sealed_ones):
                continue
            try:
                opened = [unseal(ring, one, purpose=kept.purpose) for one in sealed_ones]
            except Unsealable as fault:
                logger.error("secret.unsealable", purpose=kept.purpose, cause=str(fault))
                continue
            anew = " ".join(seal(ring, one, purpose=kept.purpose) for one in opened)
            changed += await sealed.replace(self.database, kept, anew)
        return changed
