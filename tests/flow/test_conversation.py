"""What people say to each other about a handoff: notes to all, a call to one, things set right."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
from sqlalchemy import update

from handoff.database.tables import HandoffRow
from tests.flow.test_commands import _with_policy
from tests.http.people.test_api_tokens import made, program
from tests.support.cast import AMIR, BILLING, BO, CHEN, HUGO, NETWORK, OLIVE, SENIORS, VERA
from tests.support.desk import Desk, Handoff


async def _note(desk: Desk, who: Any, handoff: Handoff, text: str) -> httpx.Response:
    return await desk.command(who, handoff, "notes", {"text": text})


async def test_a_note_reaches_whoever_has_to_do_with_it(desk: Desk) -> None:
    """Live, in the history, and as a mail in the thread: to the escalator, the claimer and who
    wrote before, and to nobody else."""
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff, round=1)
    await desk.until_told(handoff)
    async with desk.listen(OLIVE) as stream:
        written = await _note(desk, CHEN, handoff, "Have you tried the **old** key?")
        assert written.status_code == 201, written.text
        note = written.json()
        assert note["by"] == {"id": str(CHEN.id), "name": "Chen"}
        assert note["text"] == "Have you tried the **old** key?"
        heard = await stream.hear("noted")
        assert heard.data["data"]["details"] == {"text": note["text"]}
        assert heard.id == str(note["number"])
    mail = await desk.expect_mail(BO, handoff, says="Chen writes")
    assert "> Have you tried the **old** key?" in mail.text
    assert mail.message["In-Reply-To"] is None or mail.subject.startswith("Re: ")

    assert (await desk.claim(AMIR, handoff)).status_code == 200
    for member in (CHEN, OLIVE, BO):
        await desk.expect_mail(member, handoff, says="Claimed by Amir")
    assert (await _note(desk, BO, handoff, "Yes, twice.")).status_code == 201
    for member in (AMIR, CHEN):
        answer = await desk.expect_mail(member, handoff, says="Bo writes")
        assert "> Yes, twice." in answer.text
    assert (await desk.history(handoff))[-1] == "noted"
    await desk.until_told(handoff)


async def test_notes_of_a_minute_come_as_one_mail(desk: Desk) -> None:
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff, round=1)
    await _note(desk, CHEN, handoff, "First.")
    await desk.expect_mail(BO, handoff, says="Chen writes")
    await desk.until_told(handoff)
    for said in ("Second.", "Third.", "Fourth."):
        await _note(desk, CHEN, handoff, said)
    mail = await desk.expect_mail(BO, handoff, says="Chen writes")
    assert [said in mail.text for said in ("First.", "Second.", "Third.", "Fourth.")] == [
        False,
        True,
        True,
        True,
    ]
    await desk.until_told(handoff)
    rows = [row for row in await desk.deliveries(handoff) if row["event"] == "noted"]
    assert sorted(row["state"] for row in rows) == ["sent", "sent", "skipped", "skipped"]


async def test_what_is_noted_of_parked_work_is_its_parkers_own(desk: Desk) -> None:
    handoff = await desk.park()
    async with desk.listen(OLIVE) as stream:
        assert (await _note(desk, BO, handoff, "secret thought")).status_code == 201
        assert "text" not in (await stream.hear("noted")).data["data"]["details"]
    others = await desk.http(CHEN).get(f"{handoff.path}/events")
    assert "secret thought" not in others.text
    own = await desk.http(BO).get(f"{handoff.path}/events")
    assert "secret thought" in own.text
    assert (await desk.claim(CHEN, handoff)).status_code == 200
    await desk.expect_mail(BO, handoff, says="Claimed by Chen")
    taken_up = await desk.http(CHEN).get(f"{handoff.path}/events")
    assert "secret thought" in taken_up.text


async def test_notes_have_bounds(desk: Desk) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate()
    for text in ("", "   ", "x" * (16 * 1024 + 1), "ü" * (8 * 1024 + 1), "a\x00b"):
        refused = await _note(desk, CHEN, handoff, text)
        assert refused.status_code == 422, text[:5]
    for who, status in ((VERA, 403), (HUGO, 404)):
        assert (await _note(desk, who, handoff, "Hello")).status_code == status
    async with desk.database.engine_room() as connection:
        full = update(HandoffRow).where(HandoffRow.id == handoff.id).values(note_count=199)
        await connection.execute(full)
    assert (await _note(desk, CHEN, handoff, "the last one")).status_code == 201
    too_many = await _note(desk, CHEN, handoff, "one more")
    assert (too_many.status_code, too_many.json()["type"]) == (409, "/problems/too-many-notes")
    assert (await desk.command(BO, handoff, "cancel")).status_code == 200
    late = await _note(desk, CHEN, handoff, "too late")
    assert late.json()["type"] == "/problems/handoff-closed"


async def test_a_note_is_written_once_however_often_it_is_sent(desk: Desk) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate()
    key = {"Idempotency-Key": uuid4().hex}
    first, second = [
        await desk.command(CHEN, handoff, "notes", {"text": "Once."}, **key) for _ in range(2)
    ]
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert (await desk.history(handoff)).count("noted") == 1


async def test_a_program_writes_notes_with_the_scope_for_it(desk: Desk) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate()
    for scopes, status in ((["handoffs:note"], 201), (["handoffs:read"], 403)):
        token, _ = await made(desk, OLIVE, scopes=scopes)
        async with program(desk, token) as http:
            written = await http.post(f"{handoff.path}/notes", json={"text": "Build 7 failed."})
            assert written.status_code == status, scopes


async def test_who_has_it_and_writes_is_at_work(desk: Desk) -> None:
    """Their lease begins anew; what others write does not lengthen it."""
    desk.mail_matters = False
    await _with_policy(desk, claim_lease=3600.0)
    handoff = await desk.escalate()
    await desk.claim(CHEN, handoff)
    ends = (await desk.see(handoff))["next_action"]["at"]
    await _note(desk, BO, handoff, "And?")
    assert (await desk.see(handoff))["next_action"]["at"] == ends
    await _note(desk, CHEN, handoff, "On it.")
    assert (await desk.see(handoff))["next_action"]["at"] > ends


async def test_somebody_is_called_by_name(desk: Desk) -> None:
    """At once and outside of the rounds: no timer moves, and anybody may claim it."""
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff, round=1)
    before = await desk.see(handoff)
    called = await desk.command(
        CHEN, handoff, "call", {"to": str(OLIVE.id), "text": "You wrote this part."}
    )
    assert called.status_code == 200, called.text
    assert called.json()["next_action"] == before["next_action"]
    mail = await desk.expect_mail(OLIVE, handoff, says="Chen asks for you by name")
    assert "> You wrote this part." in mail.text
    assert "/c/" in mail.text
    rows = [row for row in await desk.deliveries(handoff) if row["event"] == "called"]
    assert {(row["recipient"]["name"], row["channel"]) for row in rows} == {
        ("Olive", "email"),
        ("Olive", "push"),
    }
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    for member in (CHEN, OLIVE, BO):
        await desk.expect_mail(member, handoff, says="Claimed by Amir")


async def test_a_call_has_bounds(desk: Desk) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate()
    for who, status in ((HUGO, 422), (VERA, 409), (BO, 409)):
        refused = await desk.command(CHEN, handoff, "call", {"to": str(who.id)})
        assert refused.status_code == status, who.name
    async with desk.database.engine_room() as connection:
        full = update(HandoffRow).where(HandoffRow.id == handoff.id).values(call_count=9)
        await connection.execute(full)
    assert (await desk.command(CHEN, handoff, "call", {"to": str(OLIVE.id)})).status_code == 200
    more = await desk.command(CHEN, handoff, "call", {"to": str(AMIR.id)})
    assert (more.status_code, more.json()["type"]) == (409, "/problems/too-many-calls")
    await desk.claim(CHEN, handoff)
    late = await desk.command(BO, handoff, "call", {"to": str(AMIR.id)})
    assert late.json()["type"] == "/problems/already-claimed"


async def test_a_higher_priority_brings_the_next_round_forward(desk: Desk) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate(priority="low")
    before = await desk.until_handoff(handoff, round=1)
    louder = await desk.command(BO, handoff, "change", {"priority": "urgent"})
    assert louder.json()["priority"] == "urgent"
    assert louder.json()["next_action"]["at"] < before["next_action"]["at"]
    quieter = await desk.command(BO, handoff, "change", {"priority": "low"})
    assert quieter.json()["next_action"]["at"] == louder.json()["next_action"]["at"]
    rows = await desk.queue(BO)
    assert [row["priority"] for row in rows if row["id"] == str(handoff.id)] == ["low"]


async def test_team_and_title_are_set_right(desk: Desk) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate(title="VPN")
    to = {"title": "Rekey fails", "team_id": str(NETWORK)}
    changed = await desk.command(AMIR, handoff, "change", to)
    seen = changed.json()
    assert (seen["session_title"], seen["team_id"]) == ("Rekey fails", str(NETWORK))
    again = await desk.command(AMIR, handoff, "change", to)
    assert again.json()["version"] == seen["version"]
    assert (await desk.see(handoff))["session_title"] == "Rekey fails"
    nobody = await desk.command(AMIR, handoff, "change", {"team_id": None})
    assert nobody.json()["team_id"] is None
    assert (await desk.command(AMIR, handoff, "change", {"team_id": str(BILLING)})).status_code in (
        200,
        422,
    )


async def test_a_change_has_bounds(desk: Desk) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate()
    wrong: tuple[dict[str, Any], ...] = (
        {},
        {"title": ""},
        {"title": None},
        {"priority": None},
        {"priority": "loud"},
        {"team_id": str(uuid4())},
        {"status": "resolved"},
    )
    for body in wrong:
        assert (await desk.command(BO, handoff, "change", body)).status_code == 422, body
    assert (await desk.command(CHEN, handoff, "change", {"title": "x"})).status_code == 403
    await desk.claim(CHEN, handoff)
    assert (await desk.command(CHEN, handoff, "change", {"title": "x"})).status_code == 200


async def test_what_nobody_answered_can_be_called_anew(desk: Desk) -> None:
    """From the first level and round on, with the whole policy before it."""
    desk.mail_matters = False
    handoff = await desk.escalate(priority="urgent")
    await desk.until_handoff(handoff, round=1)
    async with desk.database.engine_room() as connection:
        over = {"exhausted_at": HandoffRow.created_at, "deadline_at": None}
        expires = HandoffRow.created_at + timedelta(days=7)
        row = update(HandoffRow).where(HandoffRow.id == handoff.id)
        await connection.execute(row.values(**over, expires_at=expires))
    anew = await desk.command(BO, handoff, "escalate-now", {"round": 1})
    assert anew.status_code == 200, anew.text
    seen = await desk.until_handoff(handoff, round=1, exhausted_at=None)
    assert seen["next_action"]["action"] == "notify"
    assert (await desk.history(handoff))[-2:] == ["hurried", "notified"]
