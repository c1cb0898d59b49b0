"""What workflows and task queues are called, and whether anybody works on one."""

from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client


def workflow_id(handoff_id: UUID) -> str:
    """One workflow per handoff."""
    return f"handoff-{handoff_id}"


def handoff_id(workflow_id: str) -> UUID | None:
    """The handoff whose workflow it is; None for a name that is none of ours."""
    with suppress(ValueError):
        return UUID(workflow_id.removeprefix("handoff-"))
    return None


def webhook_workflow_id(webhook_id: UUID) -> str:
    """One follower per webhook."""
    return f"webhook-{webhook_id}"


def webhook_id(workflow_id: str) -> UUID | None:
    """The webhook whose follower it is; None for a name that is none of ours."""
    with suppress(ValueError):
        return UUID(workflow_id.removeprefix("webhook-"))
    return None


def channel_queue(task_queue: str, channel: str) -> str:
    """Each channel has a queue of its own: a slow mail server holds up nothing else."""
    return f"{task_queue}-{channel}"


async def last_polled(client: Client, task_queue: str) -> datetime | None:
    """When a worker last asked for a handoff's work; None when none ever did."""
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=task_queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    found = await client.workflow_service.describe_task_queue(request)
    times = [poller.last_access_time.ToDatetime(tzinfo=UTC) for poller in found.pollers]
    return max(times, default=None)
