"""Nobody waits behind another account's flood."""

import asyncio

import pytest

from tests.support.cast import GINA, HUGO, SENIORS
from tests.support.desk import Desk

FLOOD = 30
"""Escalations of one account, of three mails each."""


@pytest.mark.desk(smtp_connections=1, smtp_timeout="60s", burst_window="0s")
async def test_one_accounts_flood_of_mails_does_not_stand_before_anothers_mail(desk: Desk) -> None:
    desk.mail_matters = False
    held = desk.postbox.tarpit()
    for number in range(FLOOD):
        await desk.escalate(title=f"Acme {number}")
    handoff = await desk.escalate(HUGO, title="Globex")
    assert desk.postbox.mails == []

    held.end()
    await desk.postbox.wait_for(lambda mail: mail.to == GINA.email, within=60)
    await desk.until_told(handoff)
    before = [mail.to for mail in desk.postbox.mails].index(GINA.email)
    # Taken in turns, a few of theirs leave before it; in the order of their coming, all 90 would.
    assert before < 30, before


@pytest.mark.desk(smtp_connections=4, smtp_timeout="60s", burst_window="0s")
async def test_one_accounts_slow_domain_does_not_hold_anothers_mail(desk: Desk) -> None:
    desk.mail_matters = False
    slow = [desk.postbox.tarpit(member.email, stage="rcpt") for member in SENIORS]
    for number in range(6):
        await desk.escalate(title=f"Acme {number}", priority="urgent")
    # As many of them as may be are with the server, and the others wait.
    async with asyncio.timeout(15):
        await asyncio.gather(*(held.met.wait() for held in slow[:2]))
    await desk.escalate(HUGO, title="Globex", priority="urgent")
    await desk.postbox.wait_for(lambda mail: mail.to == GINA.email, within=15)
    assert [mail for mail in desk.postbox.mails if mail.to != GINA.email] == []
    for held in slow:
        held.end()
