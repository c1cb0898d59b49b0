"""Rounds: each happens once, at its time; a claim ends them; after the last it stays claimable."""

from datetime import UTC, datetime

import pytest

from tests.support.cast import AMIR, BO, CHEN, OLIVE, SENIORS
from tests.support.desk import Desk


@pytest.mark.desk(claim_timeout="1500ms", max_rounds=3)
async def test_an_unanswered_escalation_comes_back_louder_and_stays_claimable(desk: Desk) -> None:
    handoff = await desk.escalate(priority="normal")
    for number in (1, 2, 3):
        for mail in await desk.expect_mails(SENIORS, handoff, round=number):
            assert ("round" in mail.news) == (number > 1)
    exhausted = await desk.until_handoff(handoff, status="open", round=3, deadline_at=None)
    assert exhausted["exhausted_at"] is not None
    assert exhausted["next_action"]["action"] == "expire"
    for member in (BO, OLIVE):
        await desk.expect_mail(member, handoff, says="UNANSWERED")
    assert [row["id"] for row in await desk.queue(CHEN)] == [str(handoff.id)]
    assert (await desk.claim(CHEN, handoff)).status_code == 200
    for member in (AMIR, OLIVE, BO):
        await desk.expect_mail(member, handoff, says="Claimed by Chen")
    assert await desk.history(handoff) == [
        "created",
        "notified",
        "re_escalated",
        "re_escalated",
        "exhausted",
        "claimed",
    ]


@pytest.mark.skipping_time
@pytest.mark.desk(max_rounds=2)
async def test_waits_of_hours_and_days_run_on_the_real_engine(desk: Desk) -> None:
    handoff = await desk.escalate(priority="low")
    expired = await desk.until_handoff(handoff, status="expired", within=30)
    assert expired["round"] == 2
    events = (await desk.http(BO).get(f"{handoff.path}/events")).json()
    times = {event["type"]: datetime.fromisoformat(event["time"]) for event in events}
    hour = (times["handoff.re_escalated"] - times["handoff.notified"]).total_seconds()
    assert hour == pytest.approx(3600, abs=5)
    kept = (times["handoff.expired"] - times["handoff.exhausted"]).days
    assert kept == 7
    late = await desk.claim(AMIR, handoff)
    assert late.status_code == 409
    assert late.json()["type"] == "/problems/handoff-closed"
    desk.mail_matters = False


@pytest.mark.desk(claim_timeout="2s", max_rounds=3)
async def test_no_round_starts_after_a_claim(desk: Desk) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate()
    seen = await desk.until_handoff(handoff, round=1)
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    deadline = datetime.fromisoformat(seen["deadline_at"])

    async def has_passed() -> bool:
        return datetime.now(UTC) > deadline

    await desk.until(has_passed)
    resolved = await desk.command(AMIR, handoff, "resolve", {"outcome": "fixed"})
    assert resolved.status_code == 200
    await desk.workflow(handoff).result()
    assert await desk.history(handoff) == ["created", "notified", "claimed", "resolved"]


async def test_a_release_starts_a_fresh_round_one(desk: Desk) -> None:
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff, round=1)
    await desk.claim(AMIR, handoff)
    for member in (CHEN, OLIVE, BO):
        await desk.expect_mail(member, handoff, says="Claimed by Amir")
    released = await desk.command(AMIR, handoff, "release", {"reason": "wrong team"})
    assert released.status_code == 200
    assert released.json()["claimed_by"] is None
    for member in (CHEN, OLIVE, BO):
        mail = await desk.expect_mail(member, handoff, says="Released by Amir")
        assert "wrong team" in mail.text
    await desk.expect_mails(SENIORS, handoff, round=1)
    assert (await desk.see(handoff))["round"] == 1
    assert (await desk.claim(CHEN, handoff)).status_code == 200
    desk.mail_matters = False


async def test_every_mail_of_a_handoff_to_one_person_is_one_thread(desk: Desk) -> None:
    handoff = await desk.escalate()
    first = {member: await desk.expect_mail(member, handoff, round=1) for member in SENIORS}
    assert len({mail.message_id for mail in first.values()}) == len(SENIORS)
    hurried = await desk.command(BO, handoff, "escalate-now", {"round": 1})
    assert hurried.status_code == 200
    for member in SENIORS:
        second = await desk.expect_mail(member, handoff, round=2)
        assert second.message["In-Reply-To"] == first[member].message_id
        assert second.message_id != first[member].message_id
