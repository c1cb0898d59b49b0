"""Starts the workflow of a handoff again when it is gone: the record is all that it needs."""

from typing import Any

import structlog
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from handoff.contract.messages import HandoffStart
from handoff.database.operations.upkeep import Living
from handoff.temporal import queues
from workflows.handoff import HandoffWorkflow
from workflows.options import FULL
from workflows.starting import start_options

logger = structlog.get_logger(__name__)

STUCK_AFTER = 5
"""A workflow task that failed so often does not mend itself."""

FLOODED = 5 * FULL
"""So many events, and it should have been carried on by a fresh run long ago."""


def is_flooded(description: Any) -> bool:
    """Whether so much was sent to it that it comes to the end of no task any more."""
    length: int = description.workflow_execution_info.history_length
    return length >= FLOODED


def is_stuck(description: Any) -> bool:
    """Whether its next task fails again and again."""
    attempt: int = description.pending_workflow_task.attempt
    return attempt > STUCK_AFTER


async def replace_flooded(client: Client, living: Living, *, task_queue: str) -> bool:
    """A fresh workflow, from the record, in place of one that a flood has made deaf: the engine
    takes 10,000 signals a run, and then no more for good."""
    handle = client.get_workflow_handle(queues.workflow_id(living.handoff_id))
    if not is_flooded((await handle.describe()).raw_description):
        return False
    return await start_again(client, living, task_queue=task_queue, instead=True)


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
