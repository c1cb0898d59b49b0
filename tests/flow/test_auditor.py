"""Nothing stalls silently: what is lost is found, healed or named."""

from temporalio.testing import ActivityEnvironment

from handoff.database import health
from tests.support.cast import AMIR, BO, CHEN, OLIVE, SENIORS
from tests.support.desk import Desk
from worker.auditor import Auditor


async def _audit(desk: Desk) -> int:
    auditor = Auditor(desk.temporal, desk.database, desk.settings)
    started: int = await ActivityEnvironment().run(auditor.audit)
    return started


async def test_a_handoff_whose_workflow_is_lost_goes_on_from_its_record(desk: Desk) -> None:
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff, round=1)
    await desk.workflow(handoff).terminate("lost with the store")
    assert await _audit(desk) == 1
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
        await desk.expect_mail(member, handoff, subject="Claimed by Amir")


async def test_mails_that_were_under_way_are_not_lost_with_the_workflow(desk: Desk) -> None:
    busy = desk.postbox.refuse_recipient(451, CHEN.email)
    handoff = await desk.escalate()
    await desk.expect_mails((AMIR, OLIVE), handoff, round=1)
    await desk.workflow(handoff).terminate("lost with the store")
    busy.end()
    assert await _audit(desk) == 1
    await desk.expect_mail(CHEN, handoff, round=1)


async def test_the_audit_names_what_it_cannot_heal(desk: Desk) -> None:
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff, round=1)
    finding = health.Finding("stuck_workflow_task", handoff.id, "its workflow does not go on")
    await health.keep_audit(desk.database, [finding], 0)
    ready = await desk.http().get("/readyz")
    assert ready.status_code == 503
    assert str(handoff.id) in ready.text
    await _audit(desk)
    assert (await desk.http().get("/readyz")).status_code == 200
