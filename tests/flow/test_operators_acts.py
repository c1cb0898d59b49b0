"""What an operator can do to a workflow in Temporal's UI while its mails are on their way: nobody
is missed, and it goes on. Twice comes only what was in the server's hands at that moment."""

from collections import Counter
from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import WorkflowExecutionStatus

from tests.flow.test_auditor import heal
from tests.support.cast import BO, CHEN, SENIORS
from tests.support.desk import Desk, Handoff
from tests.support.postbox import Mail
from tests.support.staff import hire

COMPLETED = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED


async def _terminate(desk: Desk, handoff: Handoff) -> None:
    await desk.workflow(handoff).terminate("by mistake")
    await heal(desk)


async def _reset(desk: Desk, handoff: Handoff, *, to: int) -> None:
    """To the first of its tasks, or the last."""
    history = await desk.workflow(handoff).fetch_history()
    ends = [event.event_id for event in history.events if event.event_type == COMPLETED]
    await desk.temporal.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=desk.temporal.namespace,
            workflow_execution=WorkflowExecution(workflow_id=desk.workflow(handoff).id),
            reason="by mistake",
            workflow_task_finish_event_id=ends[to],
            request_id=str(uuid4()),
        )
    )


async def _reset_to_its_beginning(desk: Desk, handoff: Handoff) -> None:
    await _reset(desk, handoff, to=0)


async def _reset_to_its_last_task(desk: Desk, handoff: Handoff) -> None:
    await _reset(desk, handoff, to=-1)


def _calls(desk: Desk) -> list[Mail]:
    return [mail for mail in desk.postbox.mails if mail.message["X-Handoff-Round"] == "1"]


@pytest.mark.parametrize("act", [_terminate, _reset_to_its_beginning, _reset_to_its_last_task])
async def test_in_the_middle_of_a_round(
    desk: Desk, act: Callable[[Desk, Handoff], Awaitable[None]]
) -> None:
    desk.mail_matters = False
    await hire(desk, 12)
    held = desk.postbox.tarpit(CHEN.email, stage="rcpt")
    handoff = await desk.escalate(priority="urgent")
    await held.met.wait()

    async def some_have_left() -> bool:
        return len(desk.postbox.mails) >= 4

    await desk.until(some_have_left)
    before = (await desk.workflow(handoff).describe()).run_id
    await act(desk, handoff)
    held.end()
    await desk.until_told(handoff)
    copies = Counter(address for mail in _calls(desk) for address in mail.recipients)
    assert len(copies) == 12 + len(SENIORS)
    twice = [address for address, many in copies.items() if many > 1]
    assert max(copies.values()) <= 2, copies
    # Besides Chen's, those of the other connections may just have been with the server.
    assert len(twice) <= desk.settings.smtp_connections, copies
    assert len({mail.message_id for mail in _calls(desk)}) == 12 + len(SENIORS)
    after = await desk.workflow(handoff).describe()
    assert (after.run_id != before, after.status) == (True, WorkflowExecutionStatus.RUNNING)
    hurried = await desk.command(BO, handoff, "escalate-now", {"round": 1})
    assert hurried.status_code == 200
    await desk.expect_mail(CHEN, handoff, round=2)
    assert (await desk.history(handoff)).count("notified") == 1
