"""Rights that were borrowed: a token is asked what its maker and its person may do, each time."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from api.routes import analytics
from handoff.database.gate import Tenant
from handoff.database.reading import escalation_rows
from tests.http.people.test_api_tokens import EVERYTHING, agreed, made, program
from tests.http.people.test_scim import SCIM, patch
from tests.support.cast import AMIR, BO, CHEN, GINA, OLIVE, Member
from tests.support.desk import Desk, Handoff
from tests.support.listener import Listener


@pytest.fixture(autouse=True)
def _mail_is_not_the_subject(desk: Desk) -> None:
    desk.mail_matters = False


async def put(desk: Desk, by: Member, who: Member, **changed: Any) -> httpx.Response:
    body = {"email": who.email, "name": who.name, "role": who.role, "team_id": str(who.team_id)}
    if who.team_id is None:
        body["team_id"] = None  # type: ignore[assignment]
    return await desk.http(by).put(f"/directory/users/{who.id}", json=body | changed)


async def service(desk: Desk, by: Member = AMIR, **body: Any) -> str:
    user_id = str(uuid4())
    wanted = {"email": f"{user_id}@acme.test", "name": "Bot", "role": "engineer", "kind": "service"}
    answer = await desk.http(by).put(f"/directory/users/{user_id}", json=wanted | body)
    assert answer.status_code == 201, answer.text
    return user_id


OWNER = {"op": "replace", "path": "roles", "value": [{"value": "owner"}]}


# What the maker may not do, the token may not.


async def test_an_admins_token_makes_no_owner_when_its_person_has_become_one(desk: Desk) -> None:
    token = await agreed(desk, CHEN, scopes=["scim"])
    assert (await put(desk, OLIVE, CHEN, role="owner")).status_code == 200
    async with program(desk, token) as scim:
        assert (await patch(scim, f"/Users/{BO.id}", OWNER)).status_code == 403
        body = {"userName": "o@acme.test", "roles": ["owner"]}
        assert (await scim.post(f"{SCIM}/Users", json=body)).status_code == 403
        assert (await scim.delete(f"{SCIM}/Users/{OLIVE.id}")).status_code == 403
        engineer = {"op": "replace", "path": "roles", "value": [{"value": "viewer"}]}
        assert (await patch(scim, f"/Users/{BO.id}", engineer)).status_code == 200
    assert (await put(desk, OLIVE, AMIR, role="owner")).status_code == 200
    async with program(desk, token) as scim:
        assert (await patch(scim, f"/Users/{BO.id}", OWNER)).status_code == 200


@pytest.mark.parametrize("role", ["viewer", "engineer"])
async def test_a_token_sinks_with_its_maker(desk: Desk, role: str) -> None:
    bot = await service(desk, role="admin")
    token, _ = await made(desk, user_id=bot, scopes=["scim", "sessions:write"])
    assert (await put(desk, OLIVE, AMIR, role=role)).status_code == 200
    async with program(desk, token) as http:
        assert (await http.get(f"{SCIM}/Users")).status_code == 403
        made_one = await http.post("/ai-sessions", json={"title": "VPN"})
        assert made_one.status_code == (201 if role == "engineer" else 403)


@pytest.mark.parametrize("by", ["deactivation", "deletion"])
async def test_a_token_brings_its_maker_not_back(desk: Desk, by: str) -> None:
    bot = await service(desk, role="admin")
    token, _ = await made(desk, user_id=bot, scopes=["scim", "events:read"])
    async with program(desk, token) as scim, Listener(scim) as listener:
        if by == "deletion":
            await desk.http(OLIVE).delete(f"/directory/users/{AMIR.id}")
        else:
            await put(desk, OLIVE, AMIR, is_active=False)
        bye = await listener.hear("bye", within=15)
        assert bye.data["reason"] == "rights"
        step = {"op": "replace", "path": "active", "value": True}
        assert (await patch(scim, f"/Users/{AMIR.id}", step)).status_code == 401
    assert (await desk.http(AMIR).get("/me")).status_code == 401


# A person's yes.


async def test_nobody_acts_as_somebody_who_has_not_agreed(desk: Desk) -> None:
    token, shown = await made(desk, user_id=str(BO.id))
    assert shown["agreed_at"] is None
    async with program(desk, token) as http:
        refused = await http.post("/ai-sessions", json={"title": "VPN"})
        assert refused.status_code == 403
        assert "agreed" in refused.json()["detail"]
        waiting = (await desk.http(BO).get("/me/api-tokens")).json()
        assert [one["id"] for one in waiting] == [shown["id"]]
        # The yes is Bo's: not its maker's, not an owner's, not a colleague's, not the token's.
        path = f"/me/api-tokens/{shown['id']}"
        for other in (AMIR, OLIVE, CHEN, GINA):
            assert (await desk.http(other).post(f"{path}/agree")).status_code == 404
            assert (await desk.http(other).delete(path)).status_code == 404
        assert (await http.post(f"{path}/agree")).status_code == 403
        assert (await desk.http(BO).post(f"{path}/agree")).status_code == 200
        assert (await http.post("/ai-sessions", json={"title": "VPN"})).status_code == 201
        assert (await desk.http(BO).delete(path)).status_code == 204
        assert (await http.get("/ai-sessions")).status_code == 401
        assert (await desk.http(BO).post(f"{path}/agree")).status_code == 404


async def test_a_person_does_not_become_a_programs_user(desk: Desk) -> None:
    refused = await put(desk, AMIR, BO, kind="service")
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["path"] == "body/kind"
    assert (await put(desk, AMIR, BO, kind="person")).status_code == 200


async def test_a_programs_user_is_told_nothing(desk: Desk) -> None:
    bot = await service(desk)
    level = {"targets": [{"kind": "user", "value": bot}], "channels": ["email"], "wait": "1h"}
    named = await desk.http(AMIR).put("/policy", json={"levels": [level | {"repeat": 1}]})
    assert named.status_code == 422
    token, _ = await made(desk, user_id=bot)
    async with program(desk, token) as http:
        session = (await http.post("/ai-sessions", json={"title": "Disk full"})).json()["id"]
        created = await http.post(f"/ai-sessions/{session}/handoff", json={"intent": "escalate"})
    own = Handoff(created.json()["id"], session, BO)
    assert (await desk.claim(CHEN, own)).status_code == 200
    await desk.until_told(own)
    handoff = await desk.escalate(BO)
    await desk.until_told(handoff)
    ledgers = [row for one in (own, handoff) for row in await desk.deliveries(one)]
    told = {row["recipient"]["id"] for row in ledgers}
    assert bot not in told
    assert (await desk.claim(CHEN, handoff)).status_code == 200
    passed = await desk.command(CHEN, handoff, "transfer", {"to": bot})
    assert passed.status_code == 422


# What is somebody's own, and who did it.


async def test_a_token_reads_nobodys_own(desk: Desk) -> None:
    token = await agreed(desk, BO)
    parked = await desk.park(BO, engineer_notes="my own words")
    queue = "/ai-sessions/queue?scope=account&mine=true"
    async with program(desk, token) as http:
        for path in (
            parked.path,
            f"/ai-sessions/{parked.session_id}/handoffs",
            f"{parked.path}/events",
            queue,
        ):
            answer = await http.get(path)
            assert answer.status_code == 200, path
            assert "my own words" not in answer.text, path
    assert (await desk.see(parked))["engineer_notes"] == "my own words"


async def test_a_token_is_named_beside_the_person(desk: Desk) -> None:
    token = await agreed(desk, BO, name="Chat bot")
    async with program(desk, token) as http:
        session = (await http.post("/ai-sessions", json={"title": "Disk full"})).json()["id"]
        made_one = await http.post(f"/ai-sessions/{session}/handoff", json={"intent": "escalate"})
        path = f"/ai-sessions/{session}/handoffs/{made_one.json()['id']}"
        events = (await http.get(f"{path}/events")).json()
    actor = events[0]["data"]["actor"]
    assert (actor["id"], actor["token"]["name"]) == (str(BO.id), "Chat bot")
    own = await desk.escalate(BO)
    events = (await desk.http(BO).get(f"{own.path}/events")).json()
    assert events[0]["data"]["actor"] == {"id": str(BO.id), "name": BO.name}


async def test_a_directorys_token_is_named_where_it_releases(desk: Desk) -> None:
    token, _ = await made(desk, OLIVE, name="Okta", scopes=["scim"])
    handoff = await desk.escalate(BO)
    assert (await desk.claim(CHEN, handoff)).status_code == 200
    async with program(desk, token) as scim:
        step = {"op": "replace", "path": "active", "value": False}
        assert (await patch(scim, f"/Users/{CHEN.id}", step)).status_code == 200
    events = (await desk.http(BO).get(f"{handoff.path}/events")).json()
    released = next(event for event in events if event["type"] == "handoff.released")
    assert released["data"]["actor"]["token"]["name"] == "Okta"


# What was prepared before.


async def test_a_kept_answer_is_not_given_to_who_has_lost_the_right(desk: Desk) -> None:
    body = {"name": "Reporter", "scopes": EVERYTHING}
    headers = {"Idempotency-Key": "k"}
    for status in (201, 201, 403):
        if status == 403:
            await put(desk, OLIVE, AMIR, role="engineer")
        answer = await desk.http(AMIR).post("/api-tokens", json=body, headers=headers)
        assert answer.status_code == status


async def test_a_token_gets_no_answer_that_was_kept_for_its_person(desk: Desk) -> None:
    token = await agreed(desk, BO)
    session = await desk.start_session(BO)
    body = {"intent": "park", "engineer_notes": "my own words"}
    headers = {"Idempotency-Key": "k"}
    path = f"/ai-sessions/{session}/handoff"
    mine = await desk.http(BO).post(path, json=body, headers=headers)
    assert mine.status_code == 201
    async with program(desk, token) as http:
        answer = await http.post(path, json=body, headers=headers)
    assert answer.status_code == 409
    assert "Idempotency-Replayed" not in answer.headers


async def test_a_download_ends_with_the_right_to_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analytics, "ROWS_AT_ONCE", 1)
    for number in range(3):
        await desk.escalate(BO, title=f"Number {number}")
    asked = await desk.http(CHEN).get("/analytics/escalations", headers={"Accept": "text/csv"})
    assert asked.text.count("\r\n") == 4
    read = escalation_rows.next_rows

    async def and_then_demoted(tenant: Tenant, *args: Any, **more: Any) -> Any:
        page = await read(tenant, *args, **more)
        await tenant.connection.execute(
            text("UPDATE users SET role = 'viewer' WHERE id = :id"), {"id": CHEN.id}
        )
        return page

    monkeypatch.setattr(escalation_rows, "next_rows", and_then_demoted)
    asked = await desk.http(CHEN).get("/analytics/escalations", headers={"Accept": "text/csv"})
    assert asked.text.count("\r\n") == 2


async def test_a_link_shows_nothing_once_its_person_has_left(desk: Desk) -> None:
    handoff = await desk.escalate(BO)
    mail = await desk.expect_mail(CHEN, handoff)
    link = next(word for word in mail.text.split() if "/c/" in word)
    path = "/c/" + link.rpartition("/c/")[2]
    assert (await desk.http().get(path)).status_code == 200
    await put(desk, OLIVE, CHEN, is_active=False)
    assert (await desk.http().get(path)).status_code == 404


@pytest.mark.desk(create_wait="500ms")
async def test_what_is_recorded_late_is_recorded_by_the_rights_of_then(desk: Desk) -> None:
    token = await agreed(desk, BO)
    session = await desk.start_session(BO)
    await desk.stop_worker()
    async with program(desk, token) as http:
        accepted = await http.post(f"/ai-sessions/{session}/handoff", json={"intent": "park"})
    assert accepted.status_code == 202
    assert (await put(desk, OLIVE, AMIR, is_active=False)).status_code == 200
    await desk.start_worker()
    ended = await desk.workflow(Handoff(accepted.json()["id"], session, BO)).result()
    assert (ended["status"], ended["refused"]) == ("cancelled", None)
    [told] = (await desk.http(BO).get(f"/ai-sessions/{session}/handoffs")).json()
    assert (told["status"], told["round"]) == ("cancelled", 0)
