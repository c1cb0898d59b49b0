"""Nothing stalls silently: what is lost is found, healed or named."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update
from temporalio.testing import ActivityEnvironment

from handoff.database.operations import health
from handoff.database.operations.upkeep import Living
from handoff.database.tables import HandoffRow
from tests.support.cast import AMIR, BO, CHEN, OLIVE, SENIORS
from tests.support.clocks import skewed
from tests.support.desk import Desk, Handoff
from worker.auditor import Auditor
from worker.build import Parts
from worker.nudges import Nudges
from worker.operator_answers import answers
from worker.sweep import Sweep


async def _audit(desk: Desk) -> int:
    sweep = Sweep(desk.database, desk.settings)
    auditor = Auditor(desk.temporal, desk.database, desk.settings, timedelta(minutes=15), sweep)
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, started_time=datetime.now(UTC))
    started: int = await environment.run(auditor.audit)
    return started


async def heal(desk: Desk) -> None:
    """Looks until a workflow had to be started again: the engine's list is a moment behind."""
    await desk.until(lambda: _audit(desk))


async def test_a_handoff_whose_workflow_is_lost_goes_on_from_its_record(desk: Desk) -> None:
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff, round=1)
    await desk.workflow(handoff).terminate("lost with the store")
    await heal(desk)
    assert await _audit(desk) == 0
    hurried = await desk.command(BO, handoff, "escalate-now", {"round": 1})
    assert hurried.status_code == 200
    # Round 1 is not sent again: its mails would be unexpected.
    await desk.expect_mails(SENIORS, handoff, round=2)


async def test_a_claim_on_a_handoff_without_a_workflow_is_told_all_the_same(desk: Desk) -> None:
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff, round=1)
    await desk.workflow(handoff).terminate("lost with the store")
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    for member in (CHEN, OLIVE, BO):
        await desk.expect_mail(member, handoff, says="Claimed by Amir")


async def test_mails_that_were_under_way_are_not_lost_with_the_workflow(desk: Desk) -> None:
    busy = desk.postbox.refuse_recipient(451, CHEN.email)
    handoff = await desk.escalate()
    await desk.expect_mails((AMIR, OLIVE), handoff, round=1)
    await desk.workflow(handoff).terminate("lost with the store")
    busy.end()
    await heal(desk)
    await desk.expect_mail(CHEN, handoff, round=1)


async def _is_ready(desk: Desk) -> bool:
    """What was found a moment ago is told for a second."""
    return (await desk.operator().get("/readyz")).status_code == 200


async def test_the_audit_names_what_it_cannot_heal(desk: Desk) -> None:
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff, round=1)
    finding = health.Finding("stuck_workflow_task", handoff.id, "its workflow does not go on")
    await health.keep_audit(desk.database, [finding], 0)
    ready = await desk.operator().get("/readyz")
    assert ready.status_code == 503
    assert str(handoff.id) in ready.text
    await _audit(desk)
    await desk.until(lambda: _is_ready(desk))


@pytest.mark.desk(purge_after="1ms")
async def test_what_was_closed_long_ago_is_deleted_and_nothing_else(desk: Desk) -> None:
    desk.mail_matters = False
    closed, living = await desk.escalate(), await desk.escalate()
    await desk.command(BO, closed, "cancel", {})
    await desk.workflow(closed).result()
    await _audit(desk)
    assert (await desk.http(BO).get(closed.path)).status_code == 404
    assert (await desk.see(living))["status"] == "open"
    assert await desk.history(living)


async def test_a_late_round_turns_readiness_red_with_its_name(desk: Desk) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate()
    await desk.until_handoff(handoff, round=1)
    await desk.stop_worker()
    async with desk.database.engine_room() as connection:
        late = HandoffRow.deadline_at - timedelta(hours=1)
        await connection.execute(update(HandoffRow).values(deadline_at=late))
    ready = await desk.operator().get("/readyz")
    assert ready.status_code == 503
    assert str(handoff.id) in ready.json()["checks"]["rounds"]["detail"]


@pytest.mark.desk(audit_grace="300ms", nudge_after="1h")
async def test_a_workflow_that_takes_no_signals_any_more_is_replaced(desk: Desk) -> None:
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff, round=1)
    deaf = (await desk.workflow(handoff).describe()).run_id
    async with desk.database.engine_room() as connection:
        # As if the claim's signal, and all that repeated it, had been refused.
        await connection.execute(update(HandoffRow).values(version=HandoffRow.version + 1))
    await heal(desk)
    assert (await desk.workflow(handoff).describe()).run_id != deaf
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    for member in (CHEN, OLIVE, BO):
        await desk.expect_mail(member, handoff, says="Claimed by Amir")


async def test_a_mail_server_that_refuses_us_is_the_systems_trouble(desk: Desk) -> None:
    desk.mail_matters = False
    desk.postbox.refuse_sender(530)
    handoff = await desk.escalate()

    async def is_red() -> bool:
        return (await desk.operator().get("/readyz")).status_code == 503

    await desk.until(is_red)
    rows = await desk.deliveries(handoff)
    assert {row["state"] for row in rows if row["channel"] == "email"} <= {"retrying", "queued"}


async def test_a_mail_server_that_takes_nobodys_mail_is_the_systems_trouble(desk: Desk) -> None:
    desk.mail_matters = False
    desk.postbox.greet_with(421)
    await desk.escalate()

    async def is_red() -> bool:
        return "server_busy" in (await desk.operator().get("/readyz")).text

    await desk.until(is_red)


@pytest.mark.desk(create_wait="1500ms", audit_grace="1ms")
async def test_what_was_accepted_and_cannot_be_recorded_is_named(desk: Desk) -> None:
    await desk.stop_worker()
    accepted = await desk.hand_off(await desk.start_session())
    assert accepted.status_code == 202

    async def is_named() -> bool:
        await _audit(desk)
        ready = (await desk.operator().get("/readyz")).json()
        return f"not_recorded {accepted.json()['id']}" in (ready["checks"]["audit"]["detail"] or "")

    await desk.until(is_named)


async def test_a_lost_signal_is_repeated_ever_more_rarely(desk: Desk) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate()
    await desk.until_handoff(handoff, round=1)
    await desk.stop_worker()
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    nudges = Nudges(
        desk.temporal,
        desk.database,
        after=timedelta(milliseconds=1),
        task_queue=desk.settings.task_queue,
    )
    told = 0
    for _ in range(12):
        await asyncio.sleep(0.01)
        told += await nudges.repeat()
    # Pauses that double, from 1 ms on: fewer than looks.
    assert 2 <= told <= 9


@pytest.mark.desk(nudge_after="1h")
async def test_one_that_is_never_answered_keeps_nobody_waiting(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.mail_matters = False
    stuck, other = await desk.escalate(), await desk.escalate()
    for handoff in (stuck, other):
        await desk.until_handoff(handoff, round=1)
    await desk.stop_worker()
    told: list[UUID] = []

    async def look_again(_: Any, living: Living, **__: Any) -> None:
        if living.handoff_id == stuck.id:
            await asyncio.sleep(60)
        told.append(living.handoff_id)

    monkeypatch.setattr("worker.nudges.look_again", look_again)
    monkeypatch.setattr("worker.nudges.SIGNAL_WITHIN", 0.1)
    for handoff in (stuck, other):
        assert (await desk.claim(AMIR, handoff)).status_code == 200
    nudges = Nudges(
        desk.temporal,
        desk.database,
        after=timedelta(milliseconds=1),
        task_queue=desk.settings.task_queue,
    )
    assert await nudges.repeat() == 2
    assert told == [other.id]


@pytest.mark.expects_errors
@pytest.mark.desk(audit_grace="300ms")
async def test_a_late_step_is_named_and_its_workflow_told_to_look(desk: Desk) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate()
    await desk.until_handoff(handoff, round=1)
    async with desk.database.engine_room() as connection:
        # Nobody told the engine, and no version says that there is something to see.
        late = HandoffRow.deadline_at - timedelta(hours=1)
        await connection.execute(update(HandoffRow).values(deadline_at=late))
    await _audit(desk)
    await desk.until_handoff(handoff, round=2)


@pytest.mark.desk(nudge_after="1h")
async def test_those_that_are_never_answered_keep_nobody_behind_them_waiting(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.mail_matters = False
    handoffs = [await desk.escalate() for _ in range(4)]
    for handoff in handoffs:
        await desk.until_handoff(handoff, round=1)
    await desk.stop_worker()
    told: list[UUID] = []
    stuck = {handoff.id for handoff in handoffs[:3]}

    async def look_again(_: Any, living: Living, **__: Any) -> None:
        if living.handoff_id in stuck:
            await asyncio.sleep(60)
        told.append(living.handoff_id)

    monkeypatch.setattr("worker.nudges.look_again", look_again)
    monkeypatch.setattr("worker.nudges.SIGNAL_WITHIN", 0.1)
    # A look has room for no more than these three, which are the oldest.
    monkeypatch.setattr("worker.nudges.AT_ONCE", 3)
    for handoff in handoffs:
        assert (await desk.claim(AMIR, handoff)).status_code == 200
    after = timedelta(milliseconds=1)
    queue = desk.settings.task_queue
    nudges = Nudges(desk.temporal, desk.database, after=after, task_queue=queue)
    for _ in range(2):
        await nudges.repeat()
    assert told == [handoffs[3].id]


@pytest.mark.expects_errors
@pytest.mark.desk(audit_grace="300ms")
async def test_more_late_steps_than_are_named_are_told_to_look(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.mail_matters = False
    monkeypatch.setattr(health, "SHOWN", 1)
    handoffs = [await desk.escalate() for _ in range(4)]
    for handoff in handoffs:
        await desk.until_handoff(handoff, round=1)
    async with desk.database.engine_room() as connection:
        late = HandoffRow.deadline_at - timedelta(hours=1)
        await connection.execute(update(HandoffRow).values(deadline_at=late))
    await _audit(desk)
    for handoff in handoffs:
        await desk.until_handoff(handoff, round=2)


@pytest.mark.expects_errors
@pytest.mark.parametrize("seconds", [20, -20])
async def test_a_clock_that_is_wrong_is_in_readiness(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    assert (await desk.operator().get("/readyz")).json()["checks"]["notices"]["status"] == "ok"
    skewed(monkeypatch)(timedelta(seconds=seconds), "handoff.database.operations.health")

    async def is_named() -> bool:
        ready = await desk.operator().get("/readyz")
        notices = ready.json()["checks"]["notices"]
        where = "ahead of" if seconds > 0 else "behind"
        said = f"this API's clock is 20.0 s {where} PostgreSQL's" in (notices["detail"] or "")
        return ready.status_code == 200 and said

    await desk.until(is_named)


async def test_each_worker_says_that_its_own_clock_is_wrong(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = Parts.connect(desk.settings)
    try:
        readyz = answers(desk.temporal, parts)["/readyz"]
        assert json.loads(bytes((await readyz()).body))["status"] == "ok"
        skewed(monkeypatch)(timedelta(seconds=20), "handoff.database.operations.health")
        ready = await readyz()
        assert ready.status_code == 200
        said = json.loads(bytes(ready.body))["checks"]["clock"]
        assert said["status"] == "degraded"
        assert "this worker's clock is 20.0 s ahead of PostgreSQL's" in said["detail"]
    finally:
        await parts.close()


@pytest.mark.expects_errors
@pytest.mark.desk(create_wait="500ms")
async def test_what_was_accepted_in_vain_is_in_readiness(desk: Desk) -> None:
    desk.mail_matters = False
    await desk.stop_worker()
    session_id = await desk.start_session()
    accepted = await desk.hand_off(session_id)
    assert accepted.status_code == 202
    body = {"email": BO.email, "name": BO.name, "role": "viewer"}
    assert (await desk.http(OLIVE).put(f"/directory/users/{BO.id}", json=body)).is_success
    await desk.start_worker()
    handoff = Handoff(UUID(accepted.json()["id"]), session_id, BO)
    await desk.workflow(handoff).result()
    await _audit(desk)

    async def is_named() -> bool:
        ready = await desk.operator().get("/readyz")
        return ready.status_code == 200 and str(handoff.id) in ready.text

    await desk.until(is_named)
