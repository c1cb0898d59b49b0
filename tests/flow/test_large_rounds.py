"""Large rounds: everyone exactly one mail, the workflow small, and a claim stops the rest."""

import asyncio
from collections import Counter

import pytest

from tests.support.cast import AMIR
from tests.support.desk import Desk
from tests.support.staff import hire


@pytest.mark.alone
async def test_a_thousand_recipients_get_one_mail_each(desk: Desk) -> None:
    await hire(desk, 1000)
    desk.mail_matters = False
    handoff = await desk.escalate(priority="urgent")

    async def all_sent() -> bool:
        return len(desk.postbox.mails) >= 1003

    await desk.until(all_sent, within=50)
    counts = Counter(mail.recipients[0] for mail in desk.postbox.mails)
    assert set(counts.values()) == {1}
    history = await desk.workflow(handoff).fetch_history()
    assert len(history.events) < 400
    assert desk.postbox.connections_at_once <= desk.settings.smtp_connections


@pytest.mark.desk(smtp_connections=2)
async def test_a_claim_stops_a_batch_that_is_being_sent(desk: Desk) -> None:
    await hire(desk, 400)
    desk.mail_matters = False
    async with desk.listen(AMIR) as amir:
        handoff = await desk.escalate(priority="urgent")
        await amir.hear("notified")

        async def some_sent() -> bool:
            return len(desk.postbox.mails) >= 20

        await desk.until(some_sent, every=0.005)
        assert (await desk.claim(AMIR, handoff)).status_code == 200
        left = len([mail for mail in desk.postbox.mails if "hands off" in mail.subject])
    await desk.workflow(handoff).signal("look")

    async def none_unsettled() -> bool:
        states = Counter(
            row["state"] for row in await desk.deliveries(handoff) if row["event"] == "notified"
        )
        return not {"queued", "sending", "retrying"} & set(states)

    await desk.until(none_unsettled, within=30)
    sent = [mail for mail in desk.postbox.mails if "hands off" in mail.subject]
    assert len(sent) <= left + desk.settings.smtp_connections
    assert len(sent) < 400
    await asyncio.sleep(0)
