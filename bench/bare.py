"""The bare engine: a workflow without any activity, and `python -m bench.bare`, its worker.

What the engine itself needs for one start and one wait in one call, on the same server.
"""

import asyncio
import sys

from temporalio import workflow
from temporalio.client import Client, WithStartWorkflowOperation
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import GrpcCompression
from temporalio.worker import Worker

from handoff.leaving import leave_after

TASK_QUEUE = "bench-bare"


@workflow.defn
class Bare:
    """Lives on after it has answered, as a handoff does."""

    def __init__(self) -> None:
        self._done = False

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: self._done)

    @workflow.update
    async def recorded(self) -> str:
        return "recorded"

    @workflow.signal
    def end(self) -> None:
        self._done = True


async def connect(address: str, namespace: str) -> Client:
    """As Handoff connects on loopback, without its encryption."""
    return await Client.connect(address, namespace=namespace, grpc_compression=GrpcCompression.NONE)


async def start(client: Client, name: str) -> None:
    """The engine's own update-with-start."""
    operation = WithStartWorkflowOperation(
        Bare.run,
        id=f"bare-{name}",
        task_queue=TASK_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
    )
    await client.execute_update_with_start_workflow(
        Bare.recorded, start_workflow_operation=operation
    )


async def work(address: str, namespace: str) -> None:
    client = await connect(address, namespace)
    async with Worker(client, task_queue=TASK_QUEUE, workflows=[Bare]):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def main() -> None:
    asyncio.run(work(*sys.argv[1:3]))


if __name__ == "__main__":
    leave_after(main)
