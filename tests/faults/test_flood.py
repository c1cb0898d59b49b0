"""Ten thousand forged signals to one workflow: the engine refuses more for good, and yet what is
claimed is carried out."""

import asyncio

import pytest
from temporalio.service import RPCError

from tests.flow.test_auditor import heal
from tests.support.cast import AMIR, BO, CHEN, OLIVE, SENIORS
from tests.support.desk import Desk, Handoff

LIMIT = 10_000


async def flood(desk: Desk, handoff: Handoff, number: int) -> int:
    """So many signals, as fast as they go; how many were refused."""
    workflow, refused = desk.workflow(handoff), 0

    async def some(share: int) -> None:
        nonlocal refused
        for _ in range(share):
            try:
                await workflow.signal("claim", "nonsense")
            except RPCError:
                refused += 1

    await asyncio.gather(*(some(number // 100) for _ in range(100)))
    return refused


@pytest.mark.alone
@pytest.mark.timeout(120)
@pytest.mark.expects_errors
async def test_a_claim_after_a_flood_is_carried_out(desk: Desk) -> None:
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff, round=1)
    await flood(desk, handoff, LIMIT + 500)
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    for member in (CHEN, OLIVE, BO):
        await desk.expect_mail(member, handoff, says="Claimed by Amir")


@pytest.mark.alone
@pytest.mark.timeout(120)
@pytest.mark.expects_errors
@pytest.mark.desk(audit_grace="300ms", nudge_after="1h")
async def test_a_workflow_that_is_flooded_and_does_not_look_is_replaced(desk: Desk) -> None:
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff, round=1)
    flooded = (await desk.workflow(handoff).describe()).run_id
    # Nobody carries its tasks out, as if it came to the end of none: it has one, and more to come.
    await desk.stop_worker()
    assert await flood(desk, handoff, LIMIT + 500)
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    await heal(desk)
    described = await desk.workflow(handoff).describe()
    assert (described.run_id != flooded, described.history_length < 10) == (True, True)
    await desk.start_worker()
    for member in (CHEN, OLIVE, BO):
        await desk.expect_mail(member, handoff, says="Claimed by Amir")
