"""Every command beyond the claim: what it does, who may give it, what refuses it, said twice."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from handoff.contract.policy import Level, Policy, Target
from handoff.contract.words import Priority, TargetKind
from handoff.database.tables import AccountRow, HandoffRow, UserRow
from handoff.rules.channels import EMAIL, default_names
from handoff.rules.policy import policy_to_json
from tests.support.cast import ACME, AMIR, BILLING, BO, CHEN, HUGO, NETWORK, OLIVE, VERA
from tests.support.desk import Desk, Handoff


async def _claimed(desk: Desk, by: Any = CHEN) -> Handoff:
    desk.mail_matters = False
    handoff = await desk.escalate(priority="urgent")
    assert (await desk.claim(by, handoff)).status_code == 200
    return handoff


async def _with_policy(desk: Desk, **fields: Any) -> None:
    waits = dict.fromkeys(Priority, 900.0)
    everybody = Level((Target(TargetKind.ACCOUNT),), default_names(), waits, 5)
    policy = Policy(levels=fields.pop("levels", (everybody,)), **fields)
    async with desk.database.engine_room() as connection:
        await connection.execute(
            update(AccountRow).where(AccountRow.id == ACME).values(policy=policy_to_json(policy))
        )


async def test_resolving_ends_it_for_good(desk: Desk) -> None:
    handoff = await _claimed(desk)
    refused = await desk.command(BO, handoff, "resolve", {"outcome": "fixed"})
    assert refused.status_code == 403
    done = await desk.command(CHEN, handoff, "resolve", {"outcome": "workaround", "note": "n"})
    assert (done.status_code, done.json()["status"]) == (200, "resolved")
    assert done.json()["outcome"] == "workaround"
    again = await desk.command(CHEN, handoff, "resolve", {"outcome": "fixed"})
    assert (again.status_code, again.json()["outcome"]) == (200, "workaround")
    for name, body in (("claim", None), ("release", {}), ("cancel", {}), ("promote", None)):
        late = await desk.command(OLIVE, handoff, name, body)
        assert late.status_code in (403, 409), name
    late_claim = await desk.claim(OLIVE, handoff)
    assert late_claim.json()["type"] == "/problems/handoff-closed"
    session_again = await desk.hand_off(handoff.session_id, CHEN)
    assert session_again.status_code == 201


async def test_an_admin_resolves_what_somebody_else_claimed(desk: Desk) -> None:
    handoff = await _claimed(desk)
    done = await desk.command(AMIR, handoff, "resolve", {"outcome": "duplicate"})
    assert done.status_code == 200


async def test_cancelling_is_the_escalators_until_it_is_claimed(desk: Desk) -> None:
    handoff = await _claimed(desk)
    late = await desk.command(BO, handoff, "cancel", {})
    assert late.status_code == 409
    assert late.json()["claimed_by"]["name"] == "Chen"
    by_admin = await desk.command(AMIR, handoff, "cancel", {"reason": "storm is over"})
    assert (by_admin.status_code, by_admin.json()["status"]) == (200, "cancelled")
    session = (await desk.http(BO).get(f"/ai-sessions/{handoff.session_id}")).json()
    assert session["holder"]["name"] == "Bo"


async def test_whoever_handed_it_off_sees_to_it_whatever_they_have_become(desk: Desk) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate(BO)
    await desk.until_handoff(handoff, round=1)
    body = {"email": BO.email, "name": BO.name, "role": "viewer"}
    assert (await desk.http(OLIVE).put(f"/directory/users/{BO.id}", json=body)).is_success
    other = await desk.escalate(CHEN)
    for name, said in (
        ("call", {"to": str(CHEN.id)}),
        ("change", {"priority": "high"}),
        ("escalate-now", {"round": 1}),
        ("cancel", {}),
    ):
        assert (await desk.command(BO, other, name, said)).status_code == 403, name
        assert (await desk.command(BO, handoff, name, said)).status_code == 200, name


async def test_the_escalator_cannot_claim_their_own_escalation(desk: Desk) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate()
    refused = await desk.claim(BO, handoff)
    assert refused.status_code == 409
    assert refused.json()["type"] == "/problems/own-escalation"


async def test_escalating_now_is_refused_once_the_round_has_passed(desk: Desk) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate()
    await desk.until_handoff(handoff, round=1)
    assert (await desk.command(VERA, handoff, "escalate-now", {"round": 1})).status_code == 403
    assert (await desk.command(BO, handoff, "escalate-now", {"round": 1})).status_code == 200
    await desk.until_handoff(handoff, round=2)
    passed = await desk.command(AMIR, handoff, "escalate-now", {"round": 1})
    assert passed.status_code == 409
    assert (passed.json()["type"], passed.json()["round"]) == ("/problems/round-passed", 2)


@pytest.mark.desk(snooze_minimum="1ms", claim_timeout="1h", max_rounds=1)
async def test_a_snooze_pauses_and_then_a_fresh_round_starts_even_after_the_last(
    desk: Desk,
) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate()
    await desk.until_handoff(handoff, round=1)
    until = (datetime.now(UTC) + timedelta(seconds=4)).isoformat()
    snoozed = await desk.command(CHEN, handoff, "snooze", {"until": until})
    assert snoozed.status_code == 200
    assert snoozed.json()["next_action"]["action"] == "notify"
    again = await desk.command(CHEN, handoff, "snooze", {"until": until})
    assert again.json()["version"] == snoozed.json()["version"]
    seen = await desk.until_handoff(handoff, round=2)
    assert (seen["snoozed_until"], seen["rounds_total"]) == (None, 2)


async def test_a_snooze_keeps_within_its_bounds(desk: Desk) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate()
    for ahead in (timedelta(minutes=4), timedelta(days=8), timedelta(days=-1)):
        until = (datetime.now(UTC) + ahead).isoformat()
        assert (await desk.command(CHEN, handoff, "snooze", {"until": until})).status_code == 422
    naive = datetime.now(UTC).replace(tzinfo=None).isoformat()
    assert (await desk.command(CHEN, handoff, "snooze", {"until": naive})).status_code == 422


async def test_a_transfer_is_accepted_by_claiming(desk: Desk) -> None:
    handoff = await _claimed(desk)
    for stranger in (HUGO, VERA, BO):
        refused = await desk.command(CHEN, handoff, "transfer", {"to": str(stranger.id)})
        assert refused.status_code in (409, 422), stranger.name
    word = "Rekey is done; the customer still has to confirm."
    moved = await desk.command(CHEN, handoff, "transfer", {"to": str(OLIVE.id), "text": word})
    assert moved.status_code == 200
    assert moved.json()["transfer_to"]["name"] == "Olive"
    assert moved.json()["next_action"]["action"] == "return_to_queue"
    mail = await desk.expect_mail(OLIVE, handoff, says="transfers this to you")
    assert word in mail.text
    assert (await desk.claim(AMIR, handoff)).status_code == 409
    accepted = await desk.claim(OLIVE, handoff)
    assert accepted.json()["claimed_by"]["name"] == "Olive"
    assert accepted.json()["transfer_to"] is None


async def test_a_transfer_that_nobody_accepts_returns_to_the_queue(desk: Desk) -> None:
    await _with_policy(desk, accept_window=0.5)
    handoff = await _claimed(desk)
    await desk.command(CHEN, handoff, "transfer", {"to": str(OLIVE.id)})
    seen = await desk.until_handoff(handoff, status="open", round=1)
    assert seen["claimed_by"] is None


async def test_a_claim_without_activity_is_reminded_of_and_then_released(desk: Desk) -> None:
    await _with_policy(desk, claim_lease=2.0)
    handoff = await _claimed(desk)
    await desk.expect_mail(CHEN, handoff, says="Reminder")
    await desk.until_handoff(handoff, status="open", round=1)
    assert (await desk.history(handoff))[-3:] == ["reminded", "released", "notified"]


async def test_claiming_again_keeps_the_lease_alive(desk: Desk) -> None:
    await _with_policy(desk, claim_lease=3600.0)
    handoff = await _claimed(desk)
    async with desk.database.engine_room() as connection:
        await connection.execute(
            update(HandoffRow).values(lease_until=HandoffRow.lease_until - timedelta(hours=0.5))
        )
    before = await desk.see(handoff)
    again = await desk.claim(CHEN, handoff)
    assert again.status_code == 200
    assert again.json()["claimed_at"] == before["claimed_at"]
    assert again.json()["next_action"]["at"] > before["next_action"]["at"]


async def test_a_stale_version_is_refused(desk: Desk) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate()
    await desk.until_handoff(handoff, round=1)
    seen = await desk.http(CHEN).get(handoff.path)
    assert seen.headers["ETag"] == f'"{seen.json()["version"]}"'
    stale = await desk.command(CHEN, handoff, "claim", None, **{"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["version"]) == (412, seen.json()["version"])
    fresh = await desk.command(CHEN, handoff, "claim", None, **{"If-Match": seen.headers["ETag"]})
    assert fresh.status_code == 200


async def test_when_every_mail_of_a_level_fails_the_next_level_starts_at_once(desk: Desk) -> None:
    waits = dict.fromkeys(Priority, 3600.0)
    first = Level((Target(TargetKind.USER, str(CHEN.id)),), (EMAIL.name,), waits, 3)
    then = Level((Target(TargetKind.ROLE, "owner"),), (EMAIL.name,), waits, 1)
    await _with_policy(desk, levels=(first, then))
    desk.postbox.refuse_recipient(550, CHEN.email)
    handoff = await desk.escalate()
    await desk.expect_mail(OLIVE, handoff, round=2)
    seen = await desk.see(handoff)
    assert (seen["round"], seen["rounds_total"]) == (2, 2)


async def test_an_escalation_that_reaches_nobody_is_recorded_and_loud(desk: Desk) -> None:
    waits = dict.fromkeys(Priority, 3600.0)
    nobody = Level((Target(TargetKind.USER, str(BO.id)),), default_names(), waits, 2)
    await _with_policy(desk, levels=(nobody,))
    async with desk.listen(BO) as bo:
        handoff = await desk.escalate()
        await bo.hear("no_recipients")
    seen = await desk.see(handoff)
    assert (seen["status"], seen["round"]) == ("open", 1)
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    await desk.expect_mail(BO, handoff, says="Claimed by Amir")


async def test_somebody_who_left_meanwhile_is_not_told(desk: Desk) -> None:
    slow = desk.postbox.tarpit(CHEN.email)
    handoff = await desk.escalate()
    await desk.expect_mail(AMIR, handoff)
    await desk.expect_mail(OLIVE, handoff)
    async with desk.database.engine_room() as connection:
        await connection.execute(
            update(UserRow).where(UserRow.id == CHEN.id).values(is_active=False)
        )
    slow.end()

    async def skipped() -> bool:
        rows = await desk.deliveries(handoff)
        return any(
            (row["state"], row["reason"]) == ("skipped", "no_longer_eligible") for row in rows
        )

    await desk.until(skipped)


async def test_mail_is_held_back_from_somebody_who_has_seen_the_push(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activities.delivery.SHOWN_WITHIN", timedelta(seconds=4))
    await _with_policy(desk, email_delay=30.0)
    async with desk.listen(CHEN) as chen:
        handoff = await desk.escalate(priority="urgent")
        notified = await chen.hear("notified")
        seen = await desk.http(CHEN).post("/events/seen", json={"numbers": [int(notified.id or 0)]})
        assert seen.status_code == 204
    await desk.expect_mails((AMIR, OLIVE), handoff)
    assert (await desk.claim(CHEN, handoff)).status_code == 200
    for member in (AMIR, OLIVE, BO):
        await desk.expect_mail(member, handoff, says="Claimed by Chen")


async def test_only_what_was_done_last_is_done_already(desk: Desk) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate()
    await desk.until_handoff(handoff, round=1)
    for member in (BO, AMIR):
        assert (await desk.command(member, handoff, "release", {})).status_code == 409
    assert (await desk.command(BO, handoff, "promote")).status_code == 409
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert (await desk.command(AMIR, handoff, "snooze", {"until": later})).status_code == 200
    assert (await desk.command(AMIR, handoff, "release", {})).status_code == 409
    await desk.claim(CHEN, handoff)
    for _ in range(2):
        assert (await desk.command(CHEN, handoff, "release", {})).status_code == 200


async def test_commands_take_nothing_that_they_do_not_know(desk: Desk) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate()
    await desk.until_handoff(handoff, round=1)
    for name in ("claim", "promote"):
        assert (await desk.command(CHEN, handoff, name, {"surprise": 1})).status_code == 422
    for round in ("1", True, 1.5):
        refused = await desk.command(BO, handoff, "escalate-now", {"round": round})
        assert refused.status_code == 422, round
    assert (await desk.command(CHEN, handoff, "claim", {})).status_code == 200


async def test_any_of_several_versions_may_match(desk: Desk) -> None:
    handoff = await _claimed(desk)
    version = (await desk.see(handoff))["version"]
    for tags in ('"none of ours"', f'"{version - 1}", "{version + 1}"'):
        stale = await desk.command(CHEN, handoff, "release", {}, **{"If-Match": tags})
        assert stale.status_code == 412, tags
    fresh = {"If-Match": f'"1", "{version}"'}
    assert (await desk.command(CHEN, handoff, "release", {}, **fresh)).status_code == 200


async def test_a_transfer_is_taken_back_by_claiming_again(desk: Desk) -> None:
    handoff = await _claimed(desk)
    claimed_at = (await desk.see(handoff))["claimed_at"]
    await desk.command(CHEN, handoff, "transfer", {"to": str(OLIVE.id)})
    await desk.expect_mail(OLIVE, handoff, says="Chen transfers this to you")
    back = await desk.claim(CHEN, handoff)
    assert (back.status_code, back.json()["transfer_to"]) == (200, None)
    assert back.json()["claimed_at"] == claimed_at
    await desk.expect_mail(OLIVE, handoff, says="Claimed by Chen")
    late = await desk.claim(OLIVE, handoff)
    assert (late.status_code, late.json()["claimed_by"]["name"]) == (409, "Chen")
    again = await desk.claim(CHEN, handoff)
    assert again.json()["version"] == back.json()["version"]
    assert (await desk.history(handoff))[-2:] == ["transferred", "claimed"]


async def test_a_transfer_that_was_taken_back_does_not_leave_late(desk: Desk) -> None:
    handoff = await _claimed(desk)
    busy = desk.postbox.refuse_recipient(451, OLIVE.email)
    await desk.command(CHEN, handoff, "transfer", {"to": str(OLIVE.id)})
    await busy.met.wait()
    await desk.claim(CHEN, handoff)
    busy.end()
    await desk.expect_mail(OLIVE, handoff, says="Claimed by Chen")
    await desk.until_told(handoff)
    rows = await desk.deliveries(handoff)
    [passed] = [row for row in rows if row["event"] == "transferred"]
    assert passed["state"] == "skipped"


async def test_whoever_was_called_finds_it_in_their_own_queue(desk: Desk) -> None:
    """Chen is called for what belongs to another team; Vera, of the same one, is not."""
    desk.mail_matters = False
    async with desk.database.engine_room() as connection:
        of_billing = update(UserRow).where(UserRow.id == CHEN.id).values(team_id=BILLING)
        await connection.execute(of_billing)
    waits = dict.fromkeys(Priority, 900.0)
    to_chen = Level((Target(TargetKind.USER, str(CHEN.id)),), default_names(), waits, 1)
    await _with_policy(desk, levels=(to_chen,))
    session_id = await desk.start_session(BO, team_id=str(NETWORK))
    answer = await desk.hand_off(session_id)
    handoff = Handoff(UUID(answer.json()["id"]), session_id, BO)
    await desk.until_handoff(handoff, round=1)
    for query in ({}, {"scope": "team"}):
        assert [row["id"] for row in await desk.queue(CHEN, **query)] == [str(handoff.id)]
    assert await desk.queue(VERA) == []
