"""What a handoff costs, in counts that depend on no machine. Times are measured in `bench/`."""

from collections import Counter

from temporalio.api.enums.v1 import EventType

from tests.support.cast import AMIR, BO, CHEN, OLIVE, SENIORS
from tests.support.desk import Desk, Handoff

EVENTS = 45
WORKFLOW_TASKS = 7
ACTIVITIES = 6


async def _one_life(desk: Desk) -> Handoff:
    """Three people told, claimed, resolved."""
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff, round=1)
    await desk.until_told(handoff)
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    for member in (CHEN, OLIVE, BO):
        await desk.expect_mail(member, handoff, subject="Claimed by Amir")
    await desk.until_told(handoff)
    resolved = await desk.command(AMIR, handoff, "resolve", {"outcome": "fixed"})
    assert resolved.status_code == 200
    for member in (CHEN, OLIVE, BO):
        await desk.expect_mail(member, handoff, subject="Resolved by Amir")
    ended = await desk.workflow(handoff).result()
    assert (ended["status"], ended["outcome"], ended["rounds"]) == ("resolved", "fixed", 1)
    return handoff


async def test_one_life_in_the_engine(desk: Desk) -> None:
    handoff = await _one_life(desk)
    history = await desk.workflow(handoff).fetch_history()
    kinds = Counter(EventType.Name(event.event_type) for event in history.events)
    counted = {
        "events": len(history.events),
        "workflow tasks": kinds["EVENT_TYPE_WORKFLOW_TASK_COMPLETED"],
        "activities": kinds["EVENT_TYPE_ACTIVITY_TASK_SCHEDULED"],
    }
    assert counted["events"] <= EVENTS, (counted, kinds)
    assert counted["workflow tasks"] <= WORKFLOW_TASKS, (counted, kinds)
    assert counted["activities"] <= ACTIVITIES, (counted, kinds)
