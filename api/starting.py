"""Starts a handoff's workflow and waits until the record has spoken, within bounds.

The answer is 201 once recorded, 202 while the engine has it but no worker recorded it yet, and
503 when the engine cannot be reached: then nothing was promised.
"""

import asyncio
from datetime import timedelta
from enum import StrEnum
from typing import Any

from temporalio.client import Client, WithStartWorkflowOperation
from temporalio.common import (
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.client import WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.common import Priority as TaskPriority
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from handoff import engine
from handoff.contract import HandoffStart, NewHandoff, Priority, Recorded
from handoff.errors import EngineUnreachable
from workflows.handoff import HandoffWorkflow

LOOK_AFTER = 1.2
"""Seconds after which we ask whether the engine has the workflow at all."""

LOOK_WITHIN = 1.0
"""Seconds that the engine has to say so: 503 comes within 3 s in all."""

_TASK_PRIORITY = {
    Priority.URGENT: 1,
    Priority.HIGH: 2,
    Priority.NORMAL: 3,
    Priority.LOW: 4,
}


class Pending(StrEnum):
    """Not an answer of the record yet."""

    ACCEPTED = "accepted"


async def start(
    client: Client, new: NewHandoff, *, task_queue: str, wait: timedelta
) -> Recorded | Pending:
    """One start and one wait in one call.

    Raises:
        EngineUnreachable: the engine does not answer, or does not have the workflow.
    """
    recording = asyncio.create_task(_start_and_wait(client, new, task_queue))
    try:
        done, _ = await asyncio.wait([recording], timeout=LOOK_AFTER)
        if not done:
            await _must_exist(client, new)
            left = max(wait.total_seconds() - LOOK_AFTER, 0)
            done, _ = await asyncio.wait([recording], timeout=left)
        return recording.result() if done else Pending.ACCEPTED
    except WorkflowUpdateRPCTimeoutOrCancelledError:
        await _must_exist(client, new)
        return Pending.ACCEPTED
    except (RPCError, RuntimeError, OSError) as fault:
        raise _unreachable() from fault
    finally:
        recording.cancel()


async def _start_and_wait(client: Client, new: NewHandoff, task_queue: str) -> Recorded:
    operation: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
        HandoffWorkflow.run,
        HandoffStart(new.account_id, new.id, new),
        id=engine.workflow_id(new.id),
        task_queue=task_queue,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        **description(new.account_id, new.priority, new.intent.value, str(new.session_id)),
    )
    try:
        return await client.execute_update_with_start_workflow(
            HandoffWorkflow.recorded, start_workflow_operation=operation
        )
    except WorkflowAlreadyStartedError:
        # A repeat whose workflow has ended meanwhile: its result is the record's answer.
        raise RuntimeError("the workflow has ended") from None


def description(account_id: Any, priority: Priority, intent: str, session: str) -> dict[str, Any]:
    """How the workflow presents itself in Temporal's UI. No customer's text."""
    attributes = TypedSearchAttributes(
        [
            engine.ACCOUNT.pair(str(account_id)) if False else _pair(engine.ACCOUNT, account_id),
        ]
    )
    return {"search_attributes": attributes}


def _pair(key: Any, value: Any) -> Any:
    return key, value


async def _must_exist(client: Client, new: NewHandoff) -> None:
    handle = client.get_workflow_handle(engine.workflow_id(new.id))
    try:
        async with asyncio.timeout(LOOK_WITHIN):
            await handle.describe()
    except (RPCError, RuntimeError, OSError, TimeoutError) as fault:
        raise _unreachable() from fault


def _unreachable() -> EngineUnreachable:
    return EngineUnreachable("The engine does not answer. Nothing was promised; try again.")
