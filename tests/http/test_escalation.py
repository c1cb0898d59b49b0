"""The main story: recorded, mailed, pushed, claimed, over the public interface."""

import asyncio

from tests.support.cast import AMIR, BO, CHEN, HUGO, OLIVE, SENIORS, VERA
from tests.support.desk import Desk


async def test_an_escalation_reaches_every_senior_by_mail_and_push(desk: Desk) -> None:
    async with desk.listen(AMIR) as amir, desk.listen(HUGO) as hugo:
        handoff = await desk.escalate(priority="urgent", engineer_notes="Rekey fails.")
        created = await amir.hear("created")
        assert created.data["subject"] == str(handoff.id)
        assert created.data["data"]["session_title"] == "VPN drops"
        await amir.hear("notified")
        for mail in await desk.expect_mails(SENIORS, handoff, round=1):
            assert "Rekey fails." in mail.text
        assert hugo.frames == []


async def test_one_wins_and_the_loser_learns_who(desk: Desk) -> None:
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff)
    answers = await asyncio.gather(desk.claim(AMIR, handoff), desk.claim(CHEN, handoff))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    winner = next(answer.json()["claimed_by"] for answer in answers if answer.status_code == 200)
    lost = next(answer.json() for answer in answers if answer.status_code == 409)
    assert lost["type"] == "/problems/already-claimed"
    assert lost["claimed_by"] == winner
    told = {AMIR, CHEN, OLIVE, BO} - {member for member in SENIORS if member.name == winner["name"]}
    for member in told:
        await desk.expect_mail(member, handoff, says="Claimed by")


async def test_a_viewer_cannot_claim(desk: Desk) -> None:
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff)
    assert (await desk.claim(VERA, handoff)).status_code == 403
