"""Nothing that people typed lies readable in Temporal, and nobody who only reaches Temporal can
make, stop or move a handoff by what they send to it."""

import asyncio
import contextlib
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from temporalio.api.common.v1 import Payload, Payloads, WorkflowExecution
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.api.workflowservice.v1 import (
    GetWorkflowExecutionHistoryRequest,
    SignalWorkflowExecutionRequest,
)
from temporalio.client import (
    Client,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowUpdateFailedError,
)
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from handoff.contract.messages import HandoffStart, NewHandoff
from handoff.contract.words import Intent, Priority
from handoff.ids import new_id
from handoff.temporal import queues
from handoff.temporal.codec import data_converter
from handoff.temporal.connect import connect
from handoff.temporal.key_ring import KeyRing
from tests.support.cast import ACME, AMIR, BO, CHEN, OLIVE, SENIORS
from tests.support.desk import PAYLOAD_KEYS, Desk, Handoff

FLOODED = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND
CANARY = "canary-words-of-a-customer"
NEW_KEY = "new:another-payload-key-of-the-tests-32-bytes"


async def raw_history(desk: Desk, handoff: Handoff) -> Any:
    """The events as Temporal keeps them, with nobody to decrypt them."""
    request = GetWorkflowExecutionHistoryRequest(
        namespace=desk.temporal.namespace,
        execution=WorkflowExecution(workflow_id=queues.workflow_id(handoff.id)),
    )
    answer = await desk.temporal.workflow_service.get_workflow_execution_history(request)
    return answer.history


async def failed_tasks(desk: Desk, handoff: Handoff) -> int:
    """How often the workflow itself failed; a flood makes the server cut tasks short."""
    events = (await raw_history(desk, handoff)).events
    causes = [
        event.workflow_task_failed_event_attributes.cause
        for event in events
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
    ]
    return sum(cause != FLOODED for cause in causes)


async def claim_goes_through(desk: Desk, handoff: Handoff) -> None:
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    for member in (CHEN, OLIVE, BO):
        await desk.expect_mail(member, handoff, says="Claimed by Amir")
    assert await desk.history(handoff) == ["created", "notified", "claimed"]
    assert await failed_tasks(desk, handoff) == 0


async def test_temporal_keeps_nothing_that_people_typed(desk: Desk) -> None:
    handoff = await desk.escalate(
        title=CANARY, engineer_notes=CANARY, context={CANARY: [CANARY]}, priority="urgent"
    )
    await desk.expect_mails(SENIORS, handoff, round=1)
    history = (await raw_history(desk, handoff)).SerializeToString()
    assert CANARY.encode() not in history
    for told in (b"start round", b"waiting for a claim", b"urgent escalation"):
        assert told in history
    described = await desk.workflow(handoff).describe()
    assert CANARY.encode() not in described.raw_description.SerializeToString()


def forgeries(other: Payload) -> list[list[Payload]]:
    """What a stranger might send: plain, garbage, stolen, or with a meaning for the SDK."""
    reference = {"encoding": b"json/external-storage-reference"}
    marked = {"encoding": b"json/plain", "__temporal_external_storage_reference": b"true"}
    forged = {"encoding": b"binary/encrypted", "handoff-key": b"\xff\xfe"}
    return [
        [],
        [Payload(metadata={"encoding": b"json/plain"}, data=b'{"claimed_by": "me"}')],
        [Payload(metadata={"encoding": b"\xff\x00"}, data=b"\x00" * 1000)],
        [Payload()],
        [Payload(metadata=reference, data=b"{}")],
        [Payload(metadata=marked, data=b"{}")],
        [Payload(metadata=forged, data=b"x")],
        [Payload(metadata={**other.metadata}, data=other.data[:-1] + b"!")],
        [other],
        [Payload(metadata={"encoding": b"binary/null"})] * 50,
    ]


async def forge(desk: Desk, handoff: Handoff, name: str, payloads: list[Payload]) -> None:
    request = SignalWorkflowExecutionRequest(
        namespace=desk.temporal.namespace,
        workflow_execution=WorkflowExecution(workflow_id=queues.workflow_id(handoff.id)),
        signal_name=name,
        input=Payloads(payloads=payloads),
        request_id=str(uuid4()),
    )
    # In the moment in which a run carries on afresh, the engine refuses everybody's signals.
    with contextlib.suppress(RPCError):
        await desk.temporal.workflow_service.signal_workflow_execution(request)


async def test_thousands_of_forged_signals_stop_nothing(desk: Desk) -> None:
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff, round=1)
    stolen = data_converter(KeyRing.parse(PAYLOAD_KEYS), desk.temporal.namespace)
    kinds = forgeries((await stolen.encode(["of another workflow"]))[0])
    names = ("claim", "release", "resolve", "look", "\x1b]0;", "__stack_trace")
    first_run = (await desk.workflow(handoff).describe()).run_id
    for turn in range(12):
        await asyncio.gather(
            *(
                forge(
                    desk, handoff, names[number % len(names)], kinds[(turn + number) % len(kinds)]
                )
                for number in range(100)
            )
        )
    assert (await desk.see(handoff))["status"] == "open"
    await claim_goes_through(desk, handoff)
    # Long before the engine refuses the 10,001st signal of a run, another run has taken over.
    assert (await desk.workflow(handoff).describe()).run_id != first_run


@pytest.mark.desk(workflow_slots=0)
@pytest.mark.parametrize("cached_workflows", [0, 500])
async def test_each_kind_of_forgery_replays(desk: Desk, cached_workflows: int) -> None:
    await desk.stop_worker()
    await desk.start_worker(cached_workflows=cached_workflows)
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff, round=1)
    stolen = data_converter(KeyRing.parse(PAYLOAD_KEYS), desk.temporal.namespace)
    for payloads in forgeries((await stolen.encode(["of another workflow"]))[0]):
        await forge(desk, handoff, "claim", payloads)
    await claim_goes_through(desk, handoff)


async def test_a_forged_update_is_refused(desk: Desk) -> None:
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff, round=1)
    stranger = await connect()
    forged = stranger.get_workflow_handle(queues.workflow_id(handoff.id))
    for name in ("recorded", "claim", ""):
        with pytest.raises((WorkflowUpdateFailedError, RPCError)):
            await forged.execute_update(name, "an argument too many")
    # Our own words, sent again by somebody who has read them, are one argument too many as well.
    await desk.workflow(handoff).execute_update("recorded", "an argument too many")
    await claim_goes_through(desk, handoff)


async def forged_start(desk: Desk, client: Client) -> tuple[NewHandoff, WorkflowHandle[Any, Any]]:
    """As somebody would start it who knows everything but the keys."""
    new = NewHandoff(
        id=new_id(),
        account_id=ACME,
        session_id=await desk.start_session(BO),
        escalator_id=BO.id,
        intent=Intent.ESCALATE,
        priority=Priority.URGENT,
        engineer_notes=CANARY,
        context=None,
        created_at=datetime.now(UTC),
        remind_at=None,
    )
    handle = await client.start_workflow(
        "Handoff",
        HandoffStart(ACME, new.id, new),
        id=queues.workflow_id(new.id),
        task_queue=desk.settings.task_queue,
    )
    return new, handle


async def test_a_forged_start_makes_no_handoff(desk: Desk) -> None:
    new, handle = await forged_start(desk, await connect())
    with pytest.raises(WorkflowFailureError) as failed:
        await desk.temporal.get_workflow_handle(handle.id).result()
    assert isinstance(failed.value.cause, ApplicationError)
    assert failed.value.cause.type == "ForeignPayload"
    seen = await desk.http(BO).get(f"/ai-sessions/{new.session_id}/handoffs")
    assert seen.json() == []


async def test_the_input_of_one_handoff_starts_no_other(desk: Desk) -> None:
    """Who can read histories can send what stands in them again, but under its own id alone."""
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff, round=1)
    events = (await raw_history(desk, handoff)).events
    stolen = events[0].workflow_execution_started_event_attributes.input.payloads[0]
    stranger = await connect()
    other = f"handoff-{new_id()}"
    handle = await stranger.start_workflow(
        "Handoff", RawValue(stolen), id=other, task_queue=desk.settings.task_queue
    )
    with pytest.raises(WorkflowFailureError):
        await desk.temporal.get_workflow_handle(handle.id).result()
    assert await failed_tasks(desk, handoff) == 0
    await claim_goes_through(desk, handoff)


async def test_keys_rotate_under_running_handoffs(desk: Desk) -> None:
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff, round=1)
    await work_with(desk, f"{NEW_KEY},{PAYLOAD_KEYS}")
    await desk.command(BO, handoff, "escalate-now", {"round": 1})
    await desk.expect_mails(SENIORS, handoff, round=2)
    assert await failed_tasks(desk, handoff) == 0
    history = (await raw_history(desk, handoff)).SerializeToString()
    assert all(name in history for name in (b"tests-", b"new-"))


@pytest.mark.expects_errors
async def test_a_key_that_went_too_early_can_come_back(desk: Desk) -> None:
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff, round=1)
    await work_with(desk, NEW_KEY)
    await desk.command(BO, handoff, "escalate-now", {"round": 1})

    async def is_stuck() -> bool:
        seen = await desk.workflow(handoff).describe()
        return bool(seen.raw_description.pending_workflow_task.attempt > 1)

    await desk.until(is_stuck)
    await work_with(desk, f"{NEW_KEY},{PAYLOAD_KEYS}")
    await desk.expect_mails(SENIORS, handoff, round=2)


async def work_with(desk: Desk, keys: str) -> None:
    """The worker again, with other keys and nothing in its cache."""
    await desk.stop_worker()
    desk.temporal = await connect(keyring=KeyRing.parse(keys))
    await desk.start_worker()


@pytest.mark.desk(smtp_retry_initial="1h", smtp_retry_maximum="1h")
async def test_a_mail_cancelled_between_two_tries_does_not_fail_its_handoff(desk: Desk) -> None:
    desk.mail_matters = False
    desk.postbox.refuse_recipient(451, CHEN.email)
    handoff = await desk.escalate(priority="urgent")

    async def waits() -> bool:
        rows = await desk.deliveries(handoff)
        return any(row["state"] == "retrying" for row in rows)

    await desk.until(waits)
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    await desk.expect_mail(OLIVE, handoff, says="Claimed by Amir")
    assert (await desk.command(AMIR, handoff, "resolve", {"outcome": "fixed"})).status_code == 200
    desk.postbox.behave()
    await desk.workflow(handoff).result()
