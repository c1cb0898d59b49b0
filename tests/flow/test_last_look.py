"""What a message says is true when it leaves, and is said to whom it concerns at that moment.

A mailbox is busy while the story goes on; then it answers again.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from handoff.contract.policy import Level, Policy, Target
from handoff.contract.words import Priority, Role, TargetKind
from handoff.database.tables import AccountRow, UserRow
from handoff.rules.channels import EMAIL
from handoff.rules.policy import policy_to_json
from tests.support.cast import ACME, AMIR, BILLING, BO, CHEN, NETWORK, OLIVE, SENIORS, Member
from tests.support.desk import Desk, Handoff

SUPERSEDED = ("skipped", "superseded")
NOT_ELIGIBLE = ("skipped", "no_longer_eligible")
OPTED_OUT = ("skipped", "opted_out")


async def until(
    desk: Desk, handoff: Handoff, event: str, who: Member, *wanted: tuple[str, str | None]
) -> None:
    """Until the mails about these events to somebody have become that, oldest first."""
    found: list[tuple[str, str | None]] = []

    async def has_become() -> bool:
        found[:] = [
            (row["state"], row["reason"])
            for row in await desk.deliveries(handoff)
            if (row["channel"], row["event"], row["recipient"]["name"])
            == (EMAIL.name, event, who.name)
        ]
        return found == list(wanted)

    try:
        await desk.until(has_become)
    except TimeoutError:
        raise AssertionError(f"{event} to {who.name}: wanted {wanted}, it stayed {found}") from None


async def set_user(desk: Desk, who: Member, **values: Any) -> None:
    async with desk.database.engine_room() as connection:
        await connection.execute(update(UserRow).where(UserRow.id == who.id).values(values))


def level(*targets: Target, wait: float = 900.0, repeat: int = 1) -> Level:
    return Level(targets, (EMAIL.name,), dict.fromkeys(Priority, wait), repeat)


def person(who: Member) -> Target:
    return Target(TargetKind.USER, str(who.id))


async def set_policy(desk: Desk, *levels: Level, **fields: Any) -> None:
    stored = policy_to_json(Policy(levels, **fields))
    async with desk.database.engine_room() as connection:
        await connection.execute(
            update(AccountRow).where(AccountRow.id == ACME).values(policy=stored)
        )


EVERYBODY = Target(TargetKind.ACCOUNT)


async def test_of_many_calls_only_the_present_one_leaves_late(desk: Desk) -> None:
    busy = desk.postbox.refuse_recipient(451, CHEN.email)
    handoff = await desk.escalate()
    for number in (1, 2, 3):
        await desk.expect_mails((AMIR, OLIVE), handoff, round=number)
        if number < 3:
            hurried = await desk.command(BO, handoff, "escalate-now", {"round": number})
            assert hurried.status_code == 200
    busy.end()
    await desk.expect_mail(CHEN, handoff, round=3)
    await until(desk, handoff, "notified", CHEN, SUPERSEDED)
    await until(desk, handoff, "re_escalated", CHEN, SUPERSEDED, ("sent", None))


async def test_a_late_call_of_an_earlier_level_says_which_round_it_is_now(desk: Desk) -> None:
    await set_policy(desk, level(person(CHEN)), level(person(OLIVE)))
    busy = desk.postbox.refuse_recipient(451, CHEN.email)
    handoff = await desk.escalate()
    await until(desk, handoff, "notified", CHEN, ("retrying", "server_busy"))
    await desk.command(BO, handoff, "escalate-now", {"round": 1})
    await desk.expect_mail(OLIVE, handoff, says="LAST call, round 2 of 2")
    busy.end()
    mail = await desk.expect_mail(CHEN, handoff, says="LAST call, round 2 of 2")
    assert "This is the last round. It is marked as unanswered at" in mail.text


async def test_a_claim_that_was_given_back_is_not_told_any_more(desk: Desk) -> None:
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff, round=1)
    await desk.until_told(handoff)
    busy = desk.postbox.refuse_recipient(451, CHEN.email)
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    for member in (BO, OLIVE):
        await desk.expect_mail(member, handoff, says="Claimed by Amir")
    await until(desk, handoff, "claimed", CHEN, ("retrying", "server_busy"))
    assert (await desk.command(AMIR, handoff, "release", {})).status_code == 200
    for member in (BO, OLIVE):
        await desk.expect_mail(member, handoff, says="Released by Amir")
    await desk.expect_mails((AMIR, OLIVE), handoff, round=1)
    busy.end()
    await until(desk, handoff, "claimed", CHEN, SUPERSEDED)
    await desk.expect_mail(CHEN, handoff, says="Released by Amir")
    await desk.expect_mail(CHEN, handoff, round=1)


async def test_a_claim_is_not_told_after_how_it_ended(desk: Desk) -> None:
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff, round=1)
    await desk.until_told(handoff)
    busy = desk.postbox.refuse_recipient(451, CHEN.email)
    await desk.claim(AMIR, handoff)
    await until(desk, handoff, "claimed", CHEN, ("retrying", "server_busy"))
    await desk.command(AMIR, handoff, "resolve", {"outcome": "fixed"})
    busy.end()
    await desk.expect_mail(CHEN, handoff, says="Resolved by Amir")
    await until(desk, handoff, "claimed", CHEN, ("skipped", "claimed"))
    desk.mail_matters = False


async def test_somebody_who_is_a_viewer_by_now_hears_no_more_of_it(desk: Desk) -> None:
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff, round=1)
    await set_user(desk, CHEN, role=Role.VIEWER)
    await desk.claim(AMIR, handoff)
    for member in (BO, OLIVE):
        await desk.expect_mail(member, handoff, says="Claimed by Amir")
    await desk.command(AMIR, handoff, "release", {"reason": "not for viewers"})
    for member in (BO, OLIVE):
        await desk.expect_mail(member, handoff, says="Released by Amir")
    await desk.expect_mails((AMIR, OLIVE), handoff, round=1)


async def test_somebody_made_a_viewer_while_it_was_on_its_way_hears_no_reason(desk: Desk) -> None:
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff, round=1)
    await desk.claim(AMIR, handoff)
    for member in (CHEN, BO, OLIVE):
        await desk.expect_mail(member, handoff, says="Claimed by Amir")
    await desk.until_told(handoff)
    busy = desk.postbox.refuse_recipient(451, CHEN.email)
    desk.mail_matters = False
    await desk.command(AMIR, handoff, "release", {"reason": "not for viewers"})
    await until(desk, handoff, "released", CHEN, ("retrying", "server_busy"))
    await set_user(desk, CHEN, role=Role.VIEWER)
    busy.end()
    await until(desk, handoff, "released", CHEN, NOT_ELIGIBLE)
    await until(desk, handoff, "notified", CHEN, ("sent", None), NOT_ELIGIBLE)


async def test_somebody_who_moved_is_not_called_for_their_old_team(desk: Desk) -> None:
    network = Target(TargetKind.TEAM, str(NETWORK))
    await set_policy(desk, level(network), level(person(OLIVE)))
    busy = desk.postbox.refuse_recipient(451, CHEN.email)
    handoff = await desk.escalate()
    await desk.expect_mail(AMIR, handoff, round=1)
    await until(desk, handoff, "notified", CHEN, ("retrying", "server_busy"))
    await desk.command(BO, handoff, "escalate-now", {"round": 1})
    await desk.expect_mail(OLIVE, handoff, round=2)
    await set_user(desk, CHEN, team_id=BILLING)
    busy.end()
    await until(desk, handoff, "notified", CHEN, NOT_ELIGIBLE)


async def test_a_reminder_does_not_leave_once_its_reader_has_acted(desk: Desk) -> None:
    await set_policy(desk, level(EVERYBODY), claim_lease=4.0)
    handoff = await desk.escalate(priority="urgent")
    await desk.expect_mails(SENIORS, handoff, round=1)
    desk.mail_matters = False
    await desk.claim(CHEN, handoff)
    busy = desk.postbox.refuse_recipient(451, CHEN.email)
    await until(desk, handoff, "reminded", CHEN, ("retrying", "server_busy"))
    assert (await desk.claim(CHEN, handoff)).status_code == 200
    busy.end()
    await until(desk, handoff, "reminded", CHEN, ("skipped", "claimed"))


@pytest.mark.desk(smtp_timeout="20s")
async def test_of_two_reminders_only_the_later_one_leaves(desk: Desk) -> None:
    await set_policy(desk, level(EVERYBODY), claim_lease=4.0)
    handoff = await desk.escalate(priority="urgent")
    await desk.expect_mails(SENIORS, handoff, round=1)
    await desk.until_told(handoff)
    desk.mail_matters = False
    held = desk.postbox.tarpit(CHEN.email, stage="rcpt", times=1)
    await desk.claim(CHEN, handoff)
    await held.met.wait()
    assert (await desk.claim(CHEN, handoff)).status_code == 200
    await until(desk, handoff, "reminded", CHEN, ("queued", None), ("sent", None))
    held.end()
    await until(desk, handoff, "reminded", CHEN, ("skipped", "claimed"), ("sent", None))


async def test_a_call_goes_to_the_mailbox_that_its_reader_has_by_then(desk: Desk) -> None:
    await set_policy(desk, level(person(CHEN)))
    held = desk.postbox.tarpit(CHEN.email, stage="rcpt", times=1)
    handoff = await desk.escalate()
    await held.met.wait()
    await set_user(desk, CHEN, email="li@acme.test")
    await set_user(desk, AMIR, email=CHEN.email)
    held.end()
    moved = await desk.postbox.wait_for(lambda mail: "li@acme.test" in mail.recipients, within=15)
    assert moved.message["X-Handoff-Id"] == str(handoff.id)
    await until(desk, handoff, "notified", CHEN, ("sent", None))
    assert desk.postbox.mails_to(CHEN.email) == []


async def test_whoever_was_asked_when_nobody_answered_hears_how_it_ends(desk: Desk) -> None:
    await set_policy(desk, level(person(CHEN), wait=0.5))
    handoff = await desk.escalate()
    await desk.expect_mail(CHEN, handoff, round=1)
    for member in (BO, OLIVE):
        await desk.expect_mail(member, handoff, says="UNANSWERED")
    await desk.until_told(handoff)
    assert (await desk.claim(CHEN, handoff)).status_code == 200
    for member in (BO, OLIVE):
        await desk.expect_mail(member, handoff, says="Claimed by Chen")


async def test_whoever_was_named_hears_how_it_ends(desk: Desk) -> None:
    await set_policy(desk, level(person(CHEN)))
    handoff = await desk.escalate()
    await desk.expect_mail(CHEN, handoff, round=1)
    await desk.claim(CHEN, handoff)
    await desk.expect_mail(BO, handoff, says="Claimed by Chen")
    await desk.command(CHEN, handoff, "transfer", {"to": str(OLIVE.id)})
    await desk.expect_mail(OLIVE, handoff, says="Chen transfers this to you")
    await desk.until_told(handoff)
    await desk.command(CHEN, handoff, "resolve", {"outcome": "fixed"})
    for member in (BO, OLIVE):
        await desk.expect_mail(member, handoff, says="Resolved by Chen")


async def test_ones_own_choices_hold_for_what_one_handed_off(desk: Desk) -> None:
    await set_policy(desk, level(person(CHEN), wait=2.0))
    await desk.http(BO).put("/me/notifications", json={"email": {"enabled": False}})
    handoff = await desk.escalate()
    await desk.expect_mail(CHEN, handoff, round=1)
    # That nobody answered is told whatever was chosen.
    for member in (BO, OLIVE):
        await desk.expect_mail(member, handoff, says="UNANSWERED")
    await desk.until_told(handoff)
    await desk.claim(CHEN, handoff)
    await desk.expect_mail(OLIVE, handoff, says="Claimed by Chen")
    await until(desk, handoff, "claimed", BO, OPTED_OUT)


async def test_ones_own_choices_are_asked_again_when_a_mail_leaves(desk: Desk) -> None:
    busy = desk.postbox.refuse_recipient(451, CHEN.email)
    handoff = await desk.escalate()
    await desk.expect_mails((AMIR, OLIVE), handoff, round=1)
    await until(desk, handoff, "notified", CHEN, ("retrying", "server_busy"))
    now = datetime.now(UTC)
    start, end = ((now + timedelta(minutes=by)).strftime("%H:%M") for by in (-10, 10))
    quiet = {"start": start, "end": end, "time_zone": "UTC"}
    kept = await desk.http(CHEN).put("/me/notifications", json={"quiet_hours": quiet})
    assert kept.status_code == 200
    busy.end()
    await until(desk, handoff, "notified", CHEN, OPTED_OUT)


async def test_what_happens_next_is_what_it_is_when_the_mail_leaves(desk: Desk) -> None:
    busy = desk.postbox.refuse_recipient(451, CHEN.email)
    handoff = await desk.escalate(priority="low")
    for mail in await desk.expect_mails((AMIR, OLIVE), handoff, round=1):
        # Tomorrow has its date.
        assert re.search(r"claims it, round 2 starts (on \d\d \w+ )?at \d\d:\d\d UTC", mail.text)
    until_then = datetime.now(UTC) + timedelta(days=2)
    body = {"until": until_then.isoformat()}
    assert (await desk.command(AMIR, handoff, "snooze", body)).status_code == 200
    busy.end()
    mail = await desk.expect_mail(CHEN, handoff, round=1)
    assert f"round 2 starts on {until_then:%d %b} at {until_then:%H:%M} UTC." in mail.text


async def test_all_mails_of_a_handoff_to_a_person_have_one_subject(desk: Desk) -> None:
    handoff = await desk.escalate(priority="urgent")
    subject = "[urgent] Bo hands off: VPN drops"
    for mail in await desk.expect_mails(SENIORS, handoff, round=1):
        assert mail.subject == subject
    await desk.command(BO, handoff, "escalate-now", {"round": 1})
    for mail in await desk.expect_mails(SENIORS, handoff, says="2nd call, round 2 of 5"):
        assert mail.subject == f"Re: {subject}"
    await desk.until_told(handoff)
    await desk.claim(AMIR, handoff)
    for member in (CHEN, OLIVE):
        mail = await desk.expect_mail(member, handoff, says="Claimed by Amir")
        assert mail.subject == f"Re: {subject}"
    assert (await desk.expect_mail(BO, handoff, says="Claimed by Amir")).subject == subject


async def test_mail_is_held_back_for_less_than_its_round(desk: Desk) -> None:
    """A page has shown the call, and its delay is longer than the wait: the mail comes in time."""
    await set_policy(desk, level(EVERYBODY, wait=6.0), email_delay=60.0)
    desk.mail_matters = False
    handoff = await desk.escalate()
    for mail in await desk.expect_mails(SENIORS, handoff, round=1):
        assert mail.news == "Bo needs someone to take this over."
    assert (await desk.see(handoff))["round"] == 1
