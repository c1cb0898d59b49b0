"""Bursts: many handoffs within a minute do not bury a person in mail. Urgent calls never wait."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.cast import AMIR, CHEN, OLIVE, SENIORS
from tests.support.clocks import skewed
from tests.support.desk import Desk, Handoff
from tests.support.questions import overheard, transaction


@pytest.mark.desk(burst_delay="1500ms")
async def test_the_first_comes_at_once_and_the_others_become_one_mail(desk: Desk) -> None:
    first = await desk.escalate(title="first")
    await desk.expect_mails(SENIORS, first)
    second = await desk.escalate(title="second")
    third = await desk.escalate(title="third")
    for member in SENIORS:
        mail = await desk.expect_mail(member, subject="2 handoffs wait for you")
        assert "second" in mail.text
        assert "third" in mail.text
    for handoff in (second, third):

        async def is_settled(about=handoff) -> bool:  # type: ignore[no-untyped-def]
            rows = await desk.deliveries(about)
            return all(row["state"] in ("sent", "published") for row in rows)

        await desk.until(is_settled)


@pytest.mark.desk(burst_delay="1s")
async def test_one_that_waited_without_company_is_a_mail_like_any_other(desk: Desk) -> None:
    first = await desk.escalate(title="first")
    await desk.expect_mails(SENIORS, first)
    second = await desk.escalate(title="second")
    for mail in await desk.expect_mails(SENIORS, second, round=1):
        assert "second" in mail.subject


@pytest.mark.desk(burst_delay="1s")
async def test_what_waits_for_company_waits_by_postgresqls_clock(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that is behind would wait for as long as it is, beside."""
    skewed(monkeypatch)(timedelta(seconds=-20), "activities.", "handoff.database.")
    first = await desk.escalate(title="first")
    await desk.expect_mails(SENIORS, first)
    second = await desk.escalate(title="second")
    await desk.expect_mails(SENIORS, second, round=1)
    attempts = [one for row in await desk.deliveries(second) for one in row["attempts"]]
    told = [datetime.fromisoformat(one["at"]) for one in attempts]
    assert all(abs(datetime.now(UTC) - at) < timedelta(seconds=15) for at in told)


@pytest.mark.desk(burst_delay="1h")
async def test_urgent_ones_are_never_bundled(desk: Desk) -> None:
    first = await desk.escalate(priority="urgent")
    await desk.expect_mails(SENIORS, first)
    second = await desk.escalate(priority="urgent")
    await desk.expect_mails(SENIORS, second)


@pytest.mark.desk(burst_delay="1500ms")
async def test_a_claim_frees_those_that_its_mail_would_have_led(desk: Desk) -> None:
    first = await desk.escalate(title="first", priority="urgent")
    await desk.expect_mails(SENIORS, first)
    second = await desk.escalate(title="second")
    third = await desk.escalate(title="third")
    assert (await desk.claim(AMIR, second)).status_code == 200
    for member in (CHEN, OLIVE):
        mail = await desk.expect_mail(member, third, round=1)
        assert "second" not in mail.text
    desk.mail_matters = False


@pytest.mark.desk(burst_delay="1500ms")
async def test_each_handoff_of_a_bundle_can_be_claimed_by_its_own_link(desk: Desk) -> None:
    first = await desk.escalate(title="first", priority="urgent")
    await desk.expect_mails(SENIORS, first)
    second = await desk.escalate(title="second", engineer_notes="only of the second")
    third = await desk.escalate(title="third")
    mail = await desk.expect_mail(CHEN, subject="2 handoffs wait for you")
    assert "only of the second" not in mail.text
    links = re.findall(r"Claim it: \S+(/c/\S+)", mail.text)
    assert len(links) == 2
    for link in links:
        assert (await desk.http(CHEN).post(link)).status_code == 200
    assert {(await desk.see(one))["claimed_by"]["name"] for one in (second, third)} == {"Chen"}
    desk.mail_matters = False


@pytest.mark.desk(burst_delay="3s")
async def test_whoever_claims_does_not_wait_for_a_look_at_each_of_a_bundle(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them are held while it is looked, so that takes as many questions for twelve as for
    one."""
    titles = [f"number {one}" for one in range(12)]
    await _burst(desk, *titles)
    with overheard(monkeypatch) as asked:
        mail = await desk.expect_mail(CHEN, subject="12 handoffs wait for you")
    assert all(title in mail.text for title in titles)
    # Its beginning and end, who leads whom, twice the records, levels, choices and the mark.
    look = transaction(asked, "UPDATE deliveries SET state=$1, message_id")
    assert len(look) <= 12, look


async def _state(desk: Desk, handoff: Handoff) -> str:
    """What became of the call to Chen by mail."""
    [row] = [
        row
        for row in await desk.deliveries(handoff)
        if (row["channel"], row["event"], row["recipient"]["name"]) == ("email", "notified", "Chen")
    ]
    return str(row["state"])


async def _burst(desk: Desk, *titles: str) -> list[Handoff]:
    """Everybody has just been told of another handoff."""
    first = await desk.escalate(title="first", priority="urgent")
    await desk.expect_mails(SENIORS, first)
    desk.mail_matters = False
    return [await desk.escalate(title=title) for title in titles]


@pytest.mark.desk(burst_delay="1500ms")
async def test_whoever_reads_of_it_in_a_bundle_hears_of_a_claim_that_came_meanwhile(
    desk: Desk,
) -> None:
    held = desk.postbox.never_answer_content(CHEN.email, times=0)
    second, third = await _burst(desk, "second", "third")
    held.left = 1
    await held.met.wait()
    assert (await desk.claim(AMIR, third)).status_code == 200
    held.end()
    mail = await desk.expect_mail(CHEN, subject="2 handoffs wait for you")
    assert "third" in mail.text
    await desk.expect_mail(CHEN, third, says="Claimed by Amir")
    assert (await _state(desk, second), await _state(desk, third)) == ("sent", "sent")


@pytest.mark.desk(burst_delay="1500ms", smtp_retry_initial="3s")
async def test_a_bundle_that_is_tried_again_says_what_it_said_and_nothing_more(desk: Desk) -> None:
    lost = desk.postbox.drop_after_content(CHEN.email, times=0)
    second, third = await _burst(desk, "second", "third")
    lost.left = 1
    await lost.met.wait()
    fourth = await desk.escalate(title="fourth")
    once = await desk.expect_mail(CHEN, subject="2 handoffs wait for you")
    assert (await desk.expect_mail(CHEN, fourth)).news == "Bo needs someone to take this over."
    again = await desk.expect_mail(CHEN, subject="2 handoffs wait for you")
    assert again.message_id == once.message_id
    for mail in (once, again):
        assert [title in mail.text for title in ("second", "third", "fourth")] == [
            True,
            True,
            False,
        ]
    for handoff in (second, third):
        await desk.until_told(handoff)
        assert await _state(desk, handoff) == "sent"
    assert len([m for m in desk.postbox.mails_to(CHEN.email) if "third" in m.text]) == 2


@pytest.mark.desk(burst_delay="1500ms", smtp_retry_initial="1s")
async def test_a_mail_of_its_own_that_is_tried_again_takes_nobody_along(desk: Desk) -> None:
    lost = desk.postbox.drop_after_content(CHEN.email, times=0)
    [second] = await _burst(desk, "second")
    lost.left = 1
    await lost.met.wait()
    third = await desk.escalate(title="third")
    copies = [await desk.expect_mail(CHEN, second) for _ in range(2)]
    assert [(mail.message_id, "third" in mail.text) for mail in copies] == [
        (copies[0].message_id, False)
    ] * 2
    await desk.expect_mail(CHEN, third)


@pytest.mark.desk(burst_delay="700ms")
async def test_a_call_that_is_just_leaving_by_itself_is_nobodys_company(desk: Desk) -> None:
    slow = desk.postbox.tarpit(CHEN.email, stage="rcpt", times=0)
    [second] = await _burst(desk, "second")
    slow.left = 1
    await slow.met.wait()
    third = await desk.escalate(title="third")
    assert "second" not in (await desk.expect_mail(CHEN, third)).text
    slow.end()
    await desk.expect_mail(CHEN, second)
    for handoff in (second, third):
        await desk.until_told(handoff)
    told = [mail for mail in desk.postbox.mails_to(CHEN.email) if "second" in mail.text]
    assert len(told) == 1


@pytest.mark.desk(burst_delay="1500ms")
async def test_a_bundle_names_the_most_urgent_first_and_says_who_waits_since_when(
    desk: Desk,
) -> None:
    await _burst(desk, "second")
    await desk.escalate(title="third", priority="high")
    mail = await desk.expect_mail(CHEN, subject="[high] 2 handoffs wait for you")
    lines = [line for line in mail.text.splitlines() if line.startswith("- ")]
    assert lines == ["- [high] third", "- [normal] second"]
    assert len(re.findall("round 1 of 5, handed off by Bo, waiting since .* UTC", mail.text)) == 2


@pytest.mark.desk(burst_delay="1500ms")
async def test_three_copies_are_the_most_of_what_a_bundle_names(desk: Desk) -> None:
    lost = desk.postbox.drop_after_content(CHEN.email, times=0)
    both = await _burst(desk, "second", "third")
    lost.left = None
    for handoff in both:
        await desk.until_handoff(handoff, round=1)

    async def is_over() -> bool:
        return [await _state(desk, handoff) for handoff in both] == ["failed", "failed"]

    await desk.until(is_over)
    for title in ("second", "third"):
        assert len([m for m in desk.postbox.mails_to(CHEN.email) if title in m.text]) == 3
