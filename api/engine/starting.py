"""Starts a handoff's workflow and waits until the record has spoken, within bounds.

201 once recorded; 202 while the engine has it but no worker recorded it yet; 503 when the engine
cannot be reached: then nothing was promised, though it may have heard of it.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from api.engine.own_worker import OwnWorker, Spoken
from handoff.contract.messages import Ended, HandoffStart, NewHandoff, Recorded
from handoff.contract.words import Verdict
from handoff.errors import EngineUnreachable
from handoff.temporal import queues
from handoff.temporal.connect import UNANSWERED
from workflows.handoff import HandoffWorkflow
from workflows.starting import StartOptions, start_options

LOOK_AFTER = 1.2
"""Seconds after which we ask whether the engine has the workflow at all."""

LOOK_WITHIN = 1.3
"""Seconds that the engine has to say so: a 503 comes within 3 s in all."""


async def start_handoff(
    client: Client, own: OwnWorker, new: NewHandoff, *, task_queue: str, wait: timedelta
) -> Spoken | None:
    """What the record said; None while it has not spoken yet.

    Raises:
        EngineUnreachable: the engine does not answer, or does not have the workflow.
    """
    if own.client is not None:
        client = own.client
        recording = _in_background(_start_here(client, own, new, task_queue, wait))
    else:
        recording = _in_background(_start_and_wait(client, new, task_queue, wait))
    try:
        done, _ = await asyncio.wait([recording], timeout=LOOK_AFTER)
        if not done and not await _exists_or_done(client, new, recording):
            left = max(wait.total_seconds() - LOOK_AFTER, 0)
            await asyncio.wait([recording], timeout=left)
        return recording.result() if recording.done() else None
    except WorkflowUpdateRPCTimeoutOrCancelledError:
        await _must_exist(client, new)
        return None
    except UNANSWERED as fault:
        raise _unreachable() from fault
    except EngineUnreachable:
        # Whoever reads that nothing is promised may decide otherwise: it is not asked for any more.
        recording.cancel()
        raise


_under_way: set[asyncio.Task[Spoken | None]] = set()


def _in_background(work: Coroutine[Any, Any, Spoken | None]) -> asyncio.Task[Spoken | None]:
    """A call that nobody may wait for to its end: it ends by its own timeout."""

    def done(task: asyncio.Task[Spoken | None]) -> None:
        _under_way.discard(task)
        if not task.cancelled():
            task.exception()

    task = asyncio.create_task(work)
    _under_way.add(task)
    task.add_done_callback(done)
    return task


async def _start_here(
    client: Client, own: OwnWorker, new: NewHandoff, task_queue: str, wait: timedelta
) -> Spoken | None:
    """One call: its answer brings the first task along, and this process records the handoff.

    Where no slot was free here, somebody else has the task, and is asked for what the record said.
    """
    begin = HandoffStart(new.account_id, new.id, new)
    with own.expecting(new.id) as spoken:
        try:
            handle = await client.start_workflow(
                HandoffWorkflow.run,
                begin,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                request_eager_start=True,
                rpc_timeout=wait,
                **_options(begin, new, task_queue),
            )
        except WorkflowAlreadyStartedError:
            return await _result(client, new)
        if own.count(handle):
            await asyncio.wait([spoken], timeout=wait.total_seconds())
            return spoken.result() if spoken.done() else None
        asking = _in_background(_ask(client, handle, new, wait))
        first: list[asyncio.Future[Any]] = [asking, spoken]
        await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        return spoken.result() if spoken.done() else asking.result()


async def _ask(
    client: Client, handle: WorkflowHandle[Any, Any], new: NewHandoff, wait: timedelta
) -> Spoken:
    """What the record said, from whichever worker has the workflow."""
    try:
        return Spoken(await handle.execute_update(HandoffWorkflow.recorded, rpc_timeout=wait))
    except RPCError as refused:
        if refused.status is not RPCStatusCode.NOT_FOUND:
            raise
        # It has ended meanwhile: the record refused it.
        return await _result(client, new)


async def _start_and_wait(
    client: Client, new: NewHandoff, task_queue: str, wait: timedelta
) -> Spoken:
    """One start and one wait in one call, for whichever worker comes first."""
    begin = HandoffStart(new.account_id, new.id, new)
    operation = WithStartWorkflowOperation(
        HandoffWorkflow.run,
        begin,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        **_options(begin, new, task_queue),
    )
    try:
        return Spoken(
            await client.execute_update_with_start_workflow(
                HandoffWorkflow.recorded, start_workflow_operation=operation, rpc_timeout=wait
            )
        )
    except WorkflowAlreadyStartedError:
        return await _result(client, new)
    finally:
        # Else asyncio complains that nobody asked what became of the start.
        with suppress(Exception):
            async with asyncio.timeout(0.1):
                await operation.workflow_handle()


def _options(begin: HandoffStart, new: NewHandoff, task_queue: str) -> StartOptions:
    return start_options(
        begin,
        task_queue=task_queue,
        priority=new.priority,
        intent=new.intent,
        session_id=new.session_id,
    )


async def _result(client: Client, new: NewHandoff) -> Spoken:
    """Asked again after it has ended: its result says whether the record refused it."""
    workflow_id = queues.workflow_id(new.id)
    handle = client.get_workflow_handle(workflow_id, result_type=Ended)
    ended: Ended = await handle.result()
    return Spoken(ended.refused or Recorded(Verdict.RECORDED))


async def _exists_or_done(
    client: Client, new: NewHandoff, recording: asyncio.Task[Spoken | None]
) -> bool:
    """Whether the record has spoken while we asked; if not, the engine has the workflow."""
    looking = asyncio.create_task(_must_exist(client, new))
    await asyncio.wait([recording, looking], return_when=asyncio.FIRST_COMPLETED)
    if recording.done():
        looking.cancel()
        await asyncio.wait([looking])
        return True
    await looking
    return False


async def _must_exist(client: Client, new: NewHandoff) -> None:
    if await _status(client, new.id) is None:
        raise _unreachable()


async def is_running(client: Client, handoff_id: UUID) -> bool:
    """Whether the engine still has the workflow of a handoff.

    Raises:
        EngineUnreachable: the engine does not answer.
    """
    return await _status(client, handoff_id) is WorkflowExecutionStatus.RUNNING


async def _status(client: Client, handoff_id: UUID) -> WorkflowExecutionStatus | None:
    """How a handoff's workflow stands; None when the engine has none."""
    handle = client.get_workflow_handle(queues.workflow_id(handoff_id))
    try:
        async with asyncio.timeout(LOOK_WITHIN):
            return (await handle.describe()).status
    except UNANSWERED as fault:
        if isinstance(fault, RPCError) and fault.status is RPCStatusCode.NOT_FOUND:
            return None
        raise _unreachable() from fault


def _unreachable() -> EngineUnreachable:
    return EngineUnreachable(
        "The engine does not answer, so nothing is promised, though it may have heard of it. "
        "Send it again with the same Idempotency-Key, or look."
    )
