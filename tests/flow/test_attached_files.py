"""Files that go with a note, or with a new handoff: told by name, never what is in them."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.http.test_files import CALLED
from tests.support.cast import BO, CHEN, HUGO, OLIVE, SENIORS, Member
from tests.support.desk import Desk, Handoff


async def file_of(
    desk: Desk, who: Member, session_id: Any, content: bytes = b"secret words"
) -> Any:
    path = f"/ai-sessions/{session_id}/files"
    answer = await desk.http(who).post(path, content=b"secret words", headers=CALLED)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    return {name: told[name] for name in ("id", "name", "size", "media_type")}


async def test_a_note_names_its_files(desk: Desk) -> None:
    """In its answer, live and in the history, in the order in which they were named, also when one
    is gone by then."""
    desk.mail_matters = False
    handoff = await desk.escalate()
    one, two = [await file_of(desk, CHEN, handoff.session_id) for _ in range(2)]
    body = {"text": "See both.", "files": [two["id"], one["id"], two["id"]]}
    key = {"Idempotency-Key": uuid4().hex}
    async with desk.listen(OLIVE) as stream:
        written = await desk.command(CHEN, handoff, "notes", body, **key)
        assert written.status_code == 201, written.text
        assert written.json()["files"] == [two, one]
        heard = await stream.hear("noted")
    assert heard.data["data"]["details"] == {"text": "See both.", "files": [two, one]}
    assert (await desk.command(CHEN, handoff, "notes", body, **key)).json() == written.json()
    path = f"/ai-sessions/{handoff.session_id}/files/{one['id']}"
    assert (await desk.http(CHEN).delete(path)).status_code == 204
    events = (await desk.http(BO).get(f"{handoff.path}/events")).json()
    assert events[-1]["data"]["details"]["files"] == [two, one]


async def test_a_new_handoff_names_its_files(desk: Desk) -> None:
    session_id = await desk.start_session()
    told = await file_of(desk, BO, session_id)
    answer = await desk.hand_off(session_id, files=[told["id"]])
    assert answer.status_code == 201, answer.text
    path = f"/ai-sessions/{session_id}/handoffs/{answer.json()['id']}/events"
    events = (await desk.http(OLIVE).get(path)).json()
    assert events[0]["data"]["details"] == {"files": [told]}
    mail = await desk.expect_mail(OLIVE, round=1)
    assert "secret words" not in mail.text
    desk.mail_matters = False


async def test_mails_name_the_files(desk: Desk) -> None:
    """Of the handoff, as long as they are there; of notes, one without a word included. Never what
    is in them."""
    session_id = await desk.start_session()
    kept, gone = [await file_of(desk, BO, session_id) for _ in range(2)]
    answer = await desk.hand_off(session_id, files=[kept["id"], gone["id"]])
    handoff = Handoff(UUID(answer.json()["id"]), session_id, BO)
    for round, count in ((1, 2), (2, 1)):
        for mail in await desk.expect_mails(SENIORS, handoff, round=round):
            assert mail.text.count("  > a.log (12 bytes)") == count
            assert "secret words" not in mail.message.as_string()
        if round == 1:
            await desk.http(BO).delete(f"/ai-sessions/{session_id}/files/{gone['id']}")
            hurried = await desk.command(BO, handoff, "escalate-now", {"round": 1})
            assert hurried.status_code == 200, hurried.text
    for files, status in (([], 422), ([kept["id"]], 201)):
        body = {"text": " ", "files": files}
        said = await desk.command(CHEN, handoff, "notes", body)
        assert said.status_code == status, said.text
    assert said.json()["text"] == ""
    mail = await desk.expect_mail(BO, handoff, says="Chen writes")
    assert "  > a.log (12 bytes)" in mail.text.splitlines()
    assert "What was said" not in mail.text


@pytest.mark.parametrize("where", ["notes", "handoff"])
async def test_files_are_of_that_session(desk: Desk, where: str) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate()
    elsewhere = await file_of(desk, BO, await desk.start_session())
    foreign = await file_of(desk, HUGO, await desk.start_session(HUGO))
    for other in (elsewhere["id"], foreign["id"], str(uuid4())):
        if where == "notes":
            here = await file_of(desk, BO, handoff.session_id)
            body = {"text": "Look.", "files": [here["id"], other]}
            refused = await desk.command(BO, handoff, "notes", body)
            place = "body/files/1"
        else:
            refused = await desk.hand_off(await desk.start_session(), files=[other])
            place = "body/files/0"
        assert refused.status_code == 422, refused.text
        assert refused.json()["errors"][0]["path"] == place
        assert refused.json()["errors"][0]["type"] == "unknown_file"
    assert (await desk.history(handoff)).count("noted") == 0


async def test_with_parked_work_they_are_told_its_parker_alone(desk: Desk) -> None:
    """In the events; the session's files are the account's all the same."""
    desk.mail_matters = False
    session_id = await desk.start_session()
    told = await file_of(desk, BO, session_id)
    answer = await desk.hand_off(session_id, intent="park", files=[told["id"]])
    path = f"/ai-sessions/{session_id}/handoffs/{answer.json()['id']}"
    async with desk.listen(OLIVE) as stream:
        note = {"text": "For me.", "files": [told["id"]]}
        written = await desk.http(BO).post(f"{path}/notes", json=note)
        assert written.json()["files"] == [told]
        assert (await stream.hear("noted")).data["data"]["details"] == {}
    own = (await desk.http(BO).get(f"{path}/events")).json()
    assert [one["data"]["details"]["files"] for one in own] == [[told], [told]]
    others = (await desk.http(CHEN).get(f"{path}/events")).json()
    assert [one["data"]["details"] for one in others] == [{}, {}]
    listed = await desk.http(CHEN).get(f"/ai-sessions/{session_id}/files")
    assert [one["id"] for one in listed.json()] == [told["id"]]
    assert (await desk.http(CHEN).post(f"{path}/claim")).status_code == 200
    taken_up = (await desk.http(CHEN).get(f"{path}/events")).json()
    assert taken_up[0]["data"]["details"]["files"] == [told]
