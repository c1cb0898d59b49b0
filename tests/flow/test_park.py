"""Parking: recorded, shown, told to nobody; picked up, promoted or cancelled later."""

from datetime import UTC, datetime, timedelta

from tests.support.cast import AMIR, BO, CHEN, OLIVE, SENIORS
from tests.support.desk import Desk


async def test_nobody_is_told_and_only_the_parker_sees_the_notes(desk: Desk) -> None:
    async with desk.listen(AMIR) as amir:
        handoff = await desk.park(engineer_notes="half way through")
        parked = await amir.hear("parked")
        assert parked.data["data"]["engineer_notes"] is None
    assert (await desk.see(handoff, BO))["engineer_notes"] == "half way through"
    assert (await desk.see(handoff, AMIR))["engineer_notes"] is None
    [row] = await desk.queue(AMIR)
    assert row["engineer_notes"] is None
    assert await desk.deliveries(handoff) == []


async def test_another_engineer_picks_it_up_with_its_notes(desk: Desk) -> None:
    handoff = await desk.park(engineer_notes="half way through")
    taken = await desk.claim(CHEN, handoff)
    assert taken.status_code == 200
    assert taken.json()["engineer_notes"] == "half way through"
    session = (await desk.http(BO).get(f"/ai-sessions/{handoff.session_id}")).json()
    assert session["holder"]["name"] == "Chen"
    await desk.expect_mail(BO, handoff, says="Claimed by Chen")


async def test_the_parker_resumes(desk: Desk) -> None:
    handoff = await desk.park(engineer_notes="half way through")
    async with desk.listen(AMIR) as amir:
        assert (await desk.claim(BO, handoff)).status_code == 200
        assert (await amir.hear("claimed")).data["data"]["engineer_notes"] is None
    assert (await desk.claim(BO, handoff)).json()["engineer_notes"] == "half way through"
    # It never left its parker's hands, so the notes did not either.
    assert (await desk.see(handoff, AMIR))["engineer_notes"] is None
    events = (await desk.http(AMIR).get(f"{handoff.path}/events")).json()
    assert {event["data"]["engineer_notes"] for event in events} == {None}


async def test_the_parker_resumes_and_hands_it_on_with_its_notes(desk: Desk) -> None:
    handoff = await desk.park(engineer_notes="half way through")
    await desk.claim(BO, handoff)
    await desk.command(BO, handoff, "transfer", {"to": str(CHEN.id)})
    assert "half way through" in (await desk.expect_mail(CHEN, handoff)).text
    assert (await desk.claim(CHEN, handoff)).json()["engineer_notes"] == "half way through"
    assert (await desk.see(handoff, AMIR))["engineer_notes"] == "half way through"
    await desk.expect_mail(BO, handoff, says="Claimed by Chen")


async def test_promoted_it_becomes_an_escalation_with_its_history(desk: Desk) -> None:
    handoff = await desk.park(engineer_notes="stuck after all")
    refused = await desk.command(AMIR, handoff, "promote")
    assert refused.status_code == 403
    promoted = await desk.command(BO, handoff, "promote")
    assert promoted.status_code == 200
    assert promoted.json()["id"] == str(handoff.id)
    for mail in await desk.expect_mails(SENIORS, handoff, round=1):
        assert "stuck after all" in mail.text
    assert await desk.history(handoff) == ["parked", "promoted", "notified"]


async def test_the_reminder_reaches_the_parker_alone(desk: Desk) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=1)
    handoff = await desk.park(remind_at=soon.isoformat())
    assert (await desk.see(handoff))["next_action"]["action"] == "remind"
    await desk.expect_mail(BO, handoff, says="Reminder")
    assert (await desk.see(handoff))["next_action"] is None


async def test_cancelled_the_session_is_its_parkers_again(desk: Desk) -> None:
    handoff = await desk.park()
    assert (await desk.command(CHEN, handoff, "cancel")).status_code == 403
    assert (await desk.command(BO, handoff, "cancel")).status_code == 200
    assert (await desk.command(BO, handoff, "cancel")).status_code == 200
    assert (await desk.claim(OLIVE, handoff)).status_code == 409
    again = await desk.hand_off(handoff.session_id, BO, intent="park")
    assert again.status_code == 201
