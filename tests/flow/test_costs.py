"""What a handoff costs, in counts that depend on no machine. Times are measured in `bench/`."""

from collections import Counter
from collections.abc import Iterator

import pytest
from temporalio.api.enums.v1 import EventType

from tests.support.cast import AMIR, BO, CHEN, OLIVE, SENIORS
from tests.support.desk import Desk, Handoff
from tests.support.questions import Questions, overheard, transaction
from tests.support.staff import hire

EVENTS = 45
WORKFLOW_TASKS = 7
ACTIVITIES = 6

RECORD, READ, CLAIM = 5, 3, 7
"""Round trips of a transaction: its beginning with the account, its statements, its end."""


async def _one_life(desk: Desk) -> Handoff:
    """Three people told, claimed, resolved."""
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff, round=1)
    await desk.until_told(handoff)
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    for member in (CHEN, OLIVE, BO):
        await desk.expect_mail(member, handoff, says="Claimed by Amir")
    await desk.until_told(handoff)
    resolved = await desk.command(AMIR, handoff, "resolve", {"outcome": "fixed"})
    assert resolved.status_code == 200
    for member in (CHEN, OLIVE, BO):
        await desk.expect_mail(member, handoff, says="Resolved by Amir")
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


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Questions]:
    """The round trips to PostgreSQL of this process."""
    with overheard(monkeypatch) as asked:
        yield asked


async def test_what_an_act_asks_postgresql(asked: Questions, desk: Desk) -> None:
    """Beside one question each for who it is, and a create's look whether its session is free."""
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff, round=1)
    await desk.until_told(handoff)
    assert len(transaction(asked, "INSERT INTO handoffs")) <= RECORD

    asked.clear()
    await desk.see(handoff, AMIR)
    assert len(transaction(asked, "FROM handoffs")) <= READ

    asked.clear()
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    assert len(transaction(asked, "UPDATE handoffs")) <= CLAIM
    for member in (CHEN, OLIVE, BO):
        await desk.expect_mail(member, handoff, says="Claimed by Amir")


async def test_what_a_mail_of_a_large_round_asks_postgresql(asked: Questions, desk: Desk) -> None:
    desk.mail_matters = False
    await hire(desk, 97)
    asked.clear()
    handoff = await desk.escalate(priority="urgent")

    async def all_sent() -> bool:
        return len(desk.postbox.mails) >= 100

    await desk.until(all_sent, within=50)
    await desk.until_told(handoff)
    about_messages = [asks for _, asks in asked if "UPDATE deliveries" in asks]
    # A look and an end each would be 200.
    assert len(about_messages) <= 120, len(about_messages)
