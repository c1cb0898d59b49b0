"""How a handoff's workflow is started, and how it presents itself in Temporal's UI.

For whoever starts one: the API for a new handoff, the auditor for one whose workflow is gone.
No customer's text stands here, and none may.
"""

from typing import Any, TypedDict
from uuid import UUID

from temporalio.client import Client
from temporalio.common import (
    Priority as TaskPriority,
)
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDReusePolicy,
)

from handoff.contract.messages import HandoffStart
from handoff.contract.words import HandoffStatus, Intent, Priority
from handoff.temporal import queues, search_attributes
from handoff.temporal.codec import Public
from workflows.handoff import HandoffWorkflow


class StartOptions(TypedDict):
    """Keyword arguments for the client's ways to start a workflow."""

    id: str
    task_queue: str
    id_reuse_policy: WorkflowIDReusePolicy
    memo: dict[str, Any]
    search_attributes: TypedSearchAttributes
    static_summary: str
    static_details: str
    priority: TaskPriority


def start_options(
    start: HandoffStart,
    *,
    task_queue: str,
    priority: Priority,
    intent: Intent,
    session_id: object,
    id_reuse_policy: WorkflowIDReusePolicy = WorkflowIDReusePolicy.REJECT_DUPLICATE,
) -> StartOptions:
    """One workflow per handoff, under the handoff's id, searchable by what the desk asks for."""
    status = HandoffStatus.PARKED if intent is Intent.PARK else HandoffStatus.OPEN
    what = "parked" if intent is Intent.PARK else f"{priority.value} escalation"
    return StartOptions(
        id=queues.workflow_id(start.handoff_id),
        task_queue=task_queue,
        id_reuse_policy=id_reuse_policy,
        memo={"session_id": Public(str(session_id)), "intent": Public(intent.value)},
        search_attributes=TypedSearchAttributes(
            [
                SearchAttributePair(search_attributes.ACCOUNT, str(start.account_id)),
                SearchAttributePair(search_attributes.STATUS, status.value),
                SearchAttributePair(search_attributes.PRIORITY, priority.value),
                SearchAttributePair(search_attributes.ROUND, 0),
            ]
        ),
        static_summary=Public(f"{what}, session {session_id}"),
        static_details=Public(f"Handoff `{start.handoff_id}` of session `{session_id}`: {what}."),
        # Where tasks have to queue, the urgent ones go first: theirs is key 1.
        priority=TaskPriority(
            priority_key=len(Priority) - priority.urgency, fairness_key=str(start.account_id)
        ),
    )


async def nudge(
    client: Client,
    start: HandoffStart,
    name: str,
    *,
    task_queue: str,
    priority: Priority,
    intent: Intent,
    session_id: UUID,
) -> None:
    """Tells a handoff's workflow that something may have changed, under the name of what it was.

    A workflow that is gone is started again by the same call: the record is all that it needs.

    Raises:
        One of `UNANSWERED`, or `RPCError`: the engine did not take it.
    """
    options = start_options(
        start,
        task_queue=task_queue,
        priority=priority,
        intent=intent,
        session_id=session_id,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
    )
    await client.start_workflow(HandoffWorkflow.run, start, start_signal=name, **options)
