"""Webhooks as the engine knows them: a follower woken, a test posted and waited for."""

import asyncio
from uuid import UUID

import structlog
from temporalio.client import Client, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from api.engine.waiting import result_of
from api.services import Services
from handoff import live
from handoff.contract.webhooks import Following, WebhookTried
from handoff.settings import Settings
from handoff.temporal.codec import Public
from handoff.temporal.connect import UNANSWERED
from workflows.following import wake
from workflows.webhook import WebhookTestWorkflow

logger = structlog.get_logger(__name__)

WAKE_WITHIN = 0.5
"""Seconds. A follower that could not be woken is found by the auditor, or wakes by itself."""


async def changed(parts: Services, account_id: UUID, webhook_id: UUID) -> None:
    """Whoever follows for it looks at it again, at once: one that waits for a bell, and one that
    sleeps."""
    await live.people_changed(parts.redis, account_id)
    ref = _ref(parts.settings, account_id, webhook_id)
    try:
        async with asyncio.timeout(WAKE_WITHIN):
            await wake(parts.temporal, ref, task_queue=parts.settings.task_queue)
    except UNANSWERED as fault:
        logger.warning("wake.lost", webhook_id=str(webhook_id), cause=type(fault).__name__)


async def try_out(
    client: Client, settings: Settings, account_id: UUID, webhook_id: UUID, *, test_id: UUID
) -> WebhookTried | None:
    """What became of a test; None when that takes longer than five seconds.

    Raises:
        EngineUnreachable: nothing was started.
        Unreachable: it could not be carried out.
    """
    ref = _ref(settings, account_id, webhook_id)
    return await result_of(_start_test(client, ref, f"webhook-test-{test_id}", settings.task_queue))


async def _start_test(
    client: Client, ref: Following, workflow_id: str, task_queue: str
) -> WorkflowHandle[WebhookTestWorkflow, WebhookTried]:
    try:
        return await client.start_workflow(
            WebhookTestWorkflow.run,
            ref,
            id=workflow_id,
            task_queue=task_queue,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            static_summary=Public("test of a webhook"),
        )
    except WorkflowAlreadyStartedError:
        # The same request again, after its test has ended.
        return client.get_workflow_handle_for(WebhookTestWorkflow.run, workflow_id)


def _ref(settings: Settings, account_id: UUID, webhook_id: UUID) -> Following:
    return Following(account_id, webhook_id, settings.webhook_takeover.total_seconds())
