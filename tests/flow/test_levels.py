"""When a level's wait is worth waiting: while one of its people was reached, or still may be."""

from typing import Any

import pytest
from sqlalchemy import update

from handoff.contract.policy import Level, Policy, Target
from handoff.contract.words import Priority, TargetKind
from handoff.database.tables import AccountRow
from handoff.rules.channels import EMAIL, PUSH
from handoff.rules.policy import policy_to_json
from tests.support.cast import ACME, AMIR, BILLING, BO, CHEN, OLIVE, Member
from tests.support.desk import Desk, Handoff

BOTH = (EMAIL.name, PUSH.name)
MAIL = (EMAIL.name,)


def _level(*people: Member, channels: tuple[str, ...], repeat: int = 3) -> Level:
    targets = tuple(Target(TargetKind.USER, str(one.id)) for one in people)
    return Level(targets, channels, dict.fromkeys(Priority, 3600.0), repeat)


async def _set_policy(desk: Desk, *levels: Level) -> None:
    """As it was stored once: people and teams may have gone since."""
    async with desk.database.engine_room() as connection:
        stored = policy_to_json(Policy(levels))
        await connection.execute(
            update(AccountRow).where(AccountRow.id == ACME).values(policy=stored)
        )


async def _states(desk: Desk, handoff: Handoff) -> set[tuple[str, str | None]]:
    return {(row["state"], row["reason"]) for row in await desk.deliveries(handoff)}


async def _mail_health(desk: Desk) -> dict[str, Any]:
    checks: dict[str, Any] = (await desk.operator().get("/readyz")).json()["checks"]
    found: dict[str, Any] = checks["mail"]
    return found


async def test_one_bounce_does_not_end_the_wait_of_whom_the_push_reached(desk: Desk) -> None:
    await _set_policy(desk, _level(CHEN, AMIR, channels=BOTH), _level(OLIVE, channels=MAIL))
    await desk.http(AMIR).put("/me/notifications", json={"email": {"enabled": False}})
    desk.postbox.refuse_recipient(550, CHEN.email)
    handoff = await desk.escalate()

    async def has_failed() -> bool:
        return "delivery_failed" in await desk.history(handoff)

    await desk.until(has_failed)
    # What is asked for by hand comes after the look that the failure has asked for.
    await desk.command(BO, handoff, "escalate-now", {"round": 1})
    await desk.until_handoff(handoff, round=2, rounds_total=6)


async def test_a_level_whose_people_no_channel_reaches_is_passed(desk: Desk) -> None:
    off = {"email": {"enabled": False}, "push": {"enabled": False}}
    await _set_policy(desk, _level(CHEN, channels=BOTH), _level(OLIVE, channels=MAIL))
    await desk.http(CHEN).put("/me/notifications", json=off)
    handoff = await desk.escalate()
    await desk.expect_mail(OLIVE, handoff, round=2)
    assert await desk.history(handoff) == ["created", "no_recipients", "re_escalated"]
    seen = await desk.see(handoff)
    assert (seen["round"], seen["rounds_total"]) == (2, 4)


async def test_a_level_of_a_team_that_is_gone_is_passed(desk: Desk) -> None:
    gone = Level((Target(TargetKind.TEAM, str(BILLING)),), BOTH, dict.fromkeys(Priority, 3600.0), 2)
    await _set_policy(desk, gone, gone, _level(OLIVE, channels=MAIL))
    handoff = await desk.escalate()
    await desk.expect_mail(OLIVE, handoff, round=3)


async def test_the_last_level_looks_again_in_its_own_time(desk: Desk) -> None:
    gone = Level((Target(TargetKind.TEAM, str(BILLING)),), BOTH, dict.fromkeys(Priority, 3600.0), 2)
    await _set_policy(desk, gone)
    async with desk.listen(BO) as bo:
        handoff = await desk.escalate()
        await bo.hear("no_recipients")
    assert (await desk.see(handoff))["round"] == 1


async def test_people_who_may_not_be_told_any_more_are_not_waited_for(desk: Desk) -> None:
    await _set_policy(desk, _level(CHEN, channels=MAIL), _level(OLIVE, channels=MAIL))
    busy = desk.postbox.refuse_recipient(451, CHEN.email)
    handoff = await desk.escalate()
    await busy.met.wait()
    off = {"email": {"enabled": False}}
    assert (await desk.http(CHEN).put("/me/notifications", json=off)).status_code == 200
    busy.end()
    await desk.expect_mail(OLIVE, handoff, round=2)
    assert ("skipped", "opted_out") in await _states(desk, handoff)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("5.1.1 no such user", "everybody_refused"), ("5.7.1 not by you", "refused_by_policy")],
)
async def test_a_refusal_of_everybody_is_the_systems_and_tried_again(
    desk: Desk, text: str, reason: str
) -> None:
    await _set_policy(desk, _level(CHEN, AMIR, channels=MAIL), _level(OLIVE, channels=MAIL))
    refused = desk.postbox.refuse_recipient(550, text=text)
    handoff = await desk.escalate()

    async def is_known() -> bool:
        return await _states(desk, handoff) == {("retrying", reason)}

    await desk.until(is_known)
    health = await _mail_health(desk)
    assert (health["status"], reason in health["detail"]) == ("failed", True)
    assert (await desk.see(handoff))["round"] == 1
    refused.end()
    await desk.expect_mails((CHEN, AMIR), handoff, round=1)
    assert "delivery_failed" not in await desk.history(handoff)


async def test_a_refusal_of_one_beside_somebody_who_was_reached_is_their_own(desk: Desk) -> None:
    await _set_policy(desk, _level(CHEN, AMIR, channels=MAIL), _level(OLIVE, channels=MAIL))
    desk.postbox.refuse_recipient(550, CHEN.email)
    handoff = await desk.escalate()
    await desk.expect_mail(AMIR, handoff)
    await desk.until_told(handoff)
    assert await _states(desk, handoff) == {("failed", "recipient_refused"), ("sent", None)}
    assert (await desk.see(handoff))["round"] == 1
