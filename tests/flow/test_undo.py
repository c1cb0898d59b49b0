"""A claim that was a slip of the hand is taken back at once, and everything is as it was."""

from sqlalchemy import text

from tests.support.cast import AMIR, BO, CHEN, OLIVE, SENIORS
from tests.support.desk import Desk

UNDO = {"undo": True}
KEPT = ("status", "round", "deadline_at", "expires_at", "snoozed_until", "claimed_by", "intent")


async def test_an_undone_claim_leaves_everything_as_it_was(desk: Desk) -> None:
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff, round=1)
    await desk.until_told(handoff)
    before = await desk.see(handoff)
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    for member in (CHEN, OLIVE, BO):
        await desk.expect_mail(member, handoff, says="Claimed by Amir")

    undone = await desk.command(AMIR, handoff, "release", UNDO)
    assert undone.status_code == 200, undone.text
    after = await desk.see(handoff)
    assert [after[name] for name in KEPT] == [before[name] for name in KEPT]
    for member in (CHEN, OLIVE, BO):
        mail = await desk.expect_mail(member, handoff, says="Released by Amir")
        assert "the claim was undone" in mail.text
    # The round goes on as it was: nobody is called anew, and anybody may claim.
    assert (await desk.history(handoff)).count("notified") == 1
    assert (await desk.command(AMIR, handoff, "release", UNDO)).status_code == 200
    assert (await desk.claim(CHEN, handoff)).status_code == 200
    desk.mail_matters = False


async def test_what_was_parked_is_parked_again(desk: Desk) -> None:
    desk.mail_matters = False
    handoff = await desk.park()
    before = await desk.see(handoff)
    assert (await desk.claim(CHEN, handoff)).status_code == 200
    assert (await desk.command(CHEN, handoff, "release", UNDO)).status_code == 200
    after = await desk.see(handoff)
    assert [after[name] for name in KEPT] == [before[name] for name in KEPT]
    session = await desk.http(BO).get(f"/ai-sessions/{handoff.session_id}")
    assert (session.json()["status"], session.json()["holder"]["name"]) == ("parked", "Bo")


async def test_only_a_claim_of_ones_own_of_the_last_minute(desk: Desk) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate()
    assert (await desk.claim(CHEN, handoff)).status_code == 200
    # An admin may release what others hold; to undo their claim is not theirs.
    assert (await desk.command(AMIR, handoff, "release", UNDO)).status_code == 409
    async with desk.database.engine_room() as connection:
        await connection.execute(
            text("UPDATE handoffs SET claimed_at = claimed_at - interval '61 s' WHERE id = :id"),
            {"id": handoff.id},
        )
    late = await desk.command(CHEN, handoff, "release", UNDO)
    assert (late.status_code, late.json()["type"]) == (409, "/problems/wrong-state")
    assert (await desk.see(handoff))["status"] == "claimed"


async def test_calls_that_the_claim_had_stopped_leave_after_all(desk: Desk) -> None:
    busy = desk.postbox.refuse_recipient(451, CHEN.email)
    handoff = await desk.escalate(priority="urgent")
    for member in (AMIR, OLIVE):
        await desk.expect_mail(member, handoff, round=1)

    async def chens() -> list[tuple[str, str | None, int]]:
        return [
            (row["state"], row["reason"], len(row["attempts"]))
            for row in await desk.deliveries(handoff)
            if (row["channel"], row["event"], row["recipient"]["name"])
            == ("email", "notified", "Chen")
        ]

    async def is_tried() -> bool:
        return (await chens())[0][0] == "retrying"

    await desk.until(is_tried)
    desk.mail_matters = False
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    [(state, reason, tries)] = await chens()
    assert (state, reason) == ("skipped", "claimed")
    busy.end()
    assert (await desk.command(AMIR, handoff, "release", UNDO)).status_code == 200
    await desk.expect_mail(CHEN, handoff, round=1)
    await desk.until_told(handoff)
    assert await chens() == [("sent", None, tries + 1)]
    seen = await desk.see(handoff)
    assert (seen["round"], seen["status"]) == (1, "open")


async def test_what_others_set_right_meanwhile_does_not_keep_it_from_being_undone(
    desk: Desk,
) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate()
    assert (await desk.claim(CHEN, handoff)).status_code == 200
    renamed = await desk.command(BO, handoff, "change", {"title": "VPN drops hourly"})
    assert renamed.status_code == 200
    assert (await desk.command(CHEN, handoff, "release", UNDO)).status_code == 200
    assert (await desk.command(BO, handoff, "change", {"priority": "high"})).status_code == 200
    assert (await desk.command(CHEN, handoff, "release", UNDO)).status_code == 200
    assert (await desk.history(handoff)).count("released") == 1
