"""Who hears what, and what must not be said any more: mails that came late, or nearly."""

from datetime import UTC, datetime, timedelta

import pytest

from handoff.contract.messages import StepOrder
from handoff.contract.words import StepKind
from handoff.database.handoffs import transitions
from tests.support.cast import AMIR, BO, CHEN, OLIVE, SENIORS
from tests.support.desk import Desk, Handoff


async def _state(desk: Desk, handoff: Handoff, event: str, name: str) -> tuple[str, str | None]:
    """What became of the mail about an event to somebody: its state and the reason."""
    for row in await desk.deliveries(handoff):
        if (row["channel"], row["event"], row["recipient"]["name"]) == ("email", event, name):
            return row["state"], row["reason"]
    return "none", None


async def _becomes(
    desk: Desk, handoff: Handoff, event: str, name: str, wanted: tuple[str, str]
) -> None:
    async def has_become() -> bool:
        return await _state(desk, handoff, event, name) == wanted

    await desk.until(has_become)


async def test_who_held_it_hears_that_it_was_taken_from_them(desk: Desk) -> None:
    handoff = await desk.park()
    assert (await desk.claim(CHEN, handoff)).status_code == 200
    await desk.expect_mail(BO, handoff, says="Claimed by Chen")
    assert (await desk.command(AMIR, handoff, "cancel")).status_code == 200
    for member in (BO, CHEN):
        await desk.expect_mail(member, handoff, says="Cancelled")


async def test_who_was_perhaps_told_hears_of_the_claim(desk: Desk) -> None:
    lost = desk.postbox.drop_after_content(OLIVE.email)
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff, round=1)
    await _becomes(desk, handoff, "notified", "Olive", ("ambiguous", "connection"))
    lost.end()
    assert (await desk.claim(CHEN, handoff)).status_code == 200
    for member in (AMIR, BO, OLIVE):
        await desk.expect_mail(member, handoff, says="Claimed by Chen")


async def test_a_call_to_accept_does_not_leave_once_it_is_resolved(desk: Desk) -> None:
    handoff = await desk.escalate(priority="urgent")
    await desk.expect_mails(SENIORS, handoff, round=1)
    desk.mail_matters = False
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    busy = desk.postbox.refuse_recipient(451, CHEN.email)
    await desk.command(AMIR, handoff, "transfer", {"to": str(CHEN.id)})
    await _becomes(desk, handoff, "transferred", "Chen", ("retrying", "server_busy"))
    await desk.command(AMIR, handoff, "resolve", {"outcome": "fixed"})
    busy.end()
    await _becomes(desk, handoff, "transferred", "Chen", ("skipped", "claimed"))
    await desk.expect_mail(CHEN, handoff, says="Resolved")


@pytest.mark.desk(smtp_retry_for="1s", smtp_retry_maximum="200ms")
async def test_a_mail_whose_answer_is_always_lost_is_given_up_in_time(desk: Desk) -> None:
    desk.mail_matters = False
    desk.postbox.drop_after_content(CHEN.email)
    handoff = await desk.escalate()
    await _becomes(desk, handoff, "notified", "Chen", ("failed", "gave_up"))
    assert "delivery_failed" in await desk.history(handoff)


@pytest.mark.desk(burst_delay="1h")
async def test_a_mail_that_is_tried_again_does_not_wait_for_company(desk: Desk) -> None:
    desk.postbox.refuse_recipient(451, CHEN.email, times=1)
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff, round=1)


@pytest.mark.desk(burst_window="0s", burst_delay="1h")
async def test_bursts_can_be_switched_off(desk: Desk) -> None:
    for handoff in [await desk.escalate() for _ in range(2)]:
        await desk.expect_mails(SENIORS, handoff, round=1)


async def test_a_round_that_was_held_up_waits_from_when_it_starts(desk: Desk) -> None:
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff, round=1)
    await desk.stop_worker()
    seen = await desk.see(handoff)
    long_ago = datetime.now(UTC) - timedelta(hours=3)
    order = StepOrder(
        BO.account_id, handoff.id, StepKind.START_ROUND, seen["version"], now=long_ago
    )
    async with desk.database.account(order.account_id) as tenant:
        await transitions.step(tenant, order, desk.settings.retention)
    deadline = datetime.fromisoformat((await desk.see(handoff))["deadline_at"])
    assert deadline > datetime.now(UTC)
    desk.mail_matters = False
