"""Webhooks without a follower get one again, and secrets are sealed with today's key."""

import asyncio
from dataclasses import dataclass

import structlog
from temporalio.client import Client

from handoff.contract.webhooks import Following
from handoff.database.gate import Database
from handoff.database.operations import sealed
from handoff.keys import keyring_of
from handoff.sealing import Unsealable, is_current, seal, unseal
from handoff.settings import Settings
from handoff.temporal import queues
from handoff.temporal.connect import UNANSWERED
from workflows.following import wake

logger = structlog.get_logger(__name__)

WITHIN = 2.0
PAGE = 1000


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
            ref = Following(
                one.account_id, one.webhook_id, self.settings.webhook_takeover.total_seconds()
            )
            try:
                async with asyncio.timeout(WITHIN):
                    await wake(self.client, ref, task_queue=self.settings.task_queue)
            except UNANSWERED as fault:
                cause = type(fault).__name__
                logger.warning("wake.unanswered", webhook_id=str(one.webhook_id), cause=cause)
            else:
                logger.warning("follower.started_again", webhook_id=str(one.webhook_id))
        return len(missing)

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
