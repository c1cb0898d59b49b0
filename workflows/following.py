"""How a webhook's follower is started and woken: at a change, and when it is missing."""

from temporalio.client import Client
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)

from handoff.contract.webhooks import Following
from handoff.temporal import queues, search_attributes
from handoff.temporal.codec import Public
from workflows.webhook import WebhookWorkflow


async def wake(client: Client, ref: Following, *, task_queue: str, instead: bool = False) -> None:
    """Tells the follower to try at once; one that is gone is there again after this. `instead`: one
    that runs is ended in the same call, because it does not go on.

    Raises:
        One of `UNANSWERED`: the engine did not take it.
    """
    account = SearchAttributePair(search_attributes.ACCOUNT, str(ref.account_id))
    await client.start_workflow(
        WebhookWorkflow.run,
        ref,
        id=queues.webhook_workflow_id(ref.webhook_id),
        task_queue=task_queue,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        id_conflict_policy=(
            WorkflowIDConflictPolicy.TERMINATE_EXISTING
            if instead
            else WorkflowIDConflictPolicy.USE_EXISTING
        ),
        start_signal="wake",
        search_attributes=TypedSearchAttributes([account]),
        static_summary=Public("follows the account's events for a webhook"),
    )
