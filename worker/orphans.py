"""Starts the workflow of a handoff again when it is gone: the record is all that it needs."""

import structlog
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from handoff.contract.messages import HandoffStart
from handoff.database.operations.upkeep import Living
from workflows.handoff import HandoffWorkflow
from workflows.starting import start_options

logger = structlog.get_logger(__name__)


async def start_again(
    client: Client, living: Living, *, task_queue: str, instead: bool = False
) -> bool:
    """Whether a new workflow had to be started. What was sent already is not sent again.

    `instead`: one that runs is ended in the same call, because it does not go on.
    """
    start = HandoffStart(living.account_id, living.handoff_id)
    options = start_options(
        start,
        task_queue=task_queue,
        priority=living.priority,
        intent=living.intent,
        session_id=living.session_id,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
    )
    try:
        await client.start_workflow(
            HandoffWorkflow.run,
            start,
            id_conflict_policy=(
                WorkflowIDConflictPolicy.TERMINATE_EXISTING
                if instead
                else WorkflowIDConflictPolicy.UNSPECIFIED
            ),
            **options,
        )
    except WorkflowAlreadyStartedError:
        return False
    logger.warning("workflow.started_again", handoff_id=str(living.handoff_id))
    return True
