"""Starts a test notification's workflow and waits a while for what became of it."""

from temporalio.client import Client, WorkflowHandle
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError

from api.engine.waiting import result_of
from handoff.contract.messages import Trial, TrialResult
from handoff.temporal import search_attributes
from workflows.trial import LIFETIME, TrialWorkflow


async def try_out(client: Client, trial: Trial, *, task_queue: str) -> TrialResult | None:
    """What became of both messages; None when that takes longer than five seconds.

    Raises:
        EngineUnreachable: nothing was started.
        Unreachable: it could not be carried out.
    """
    return await result_of(_start(client, trial, task_queue))


async def _start(
    client: Client, trial: Trial, task_queue: str
) -> WorkflowHandle[TrialWorkflow, TrialResult]:
    workflow_id = f"test-notification-{trial.id}"
    account = SearchAttributePair(search_attributes.ACCOUNT, str(trial.account_id))
    try:
        return await client.start_workflow(
            TrialWorkflow.run,
            trial,
            id=workflow_id,
            task_queue=task_queue,
            execution_timeout=LIFETIME,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            search_attributes=TypedSearchAttributes([account]),
            static_summary="test notification",
        )
    except WorkflowAlreadyStartedError:
        # The same request again, after its workflow has ended.
        return client.get_workflow_handle_for(TrialWorkflow.run, workflow_id)
