"""Bursts: many handoffs within a minute do not bury a person in mail. Urgent calls never wait."""

import re

import pytest

from tests.support.cast import AMIR, CHEN, OLIVE, SENIORS
from tests.support.desk import Desk


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
