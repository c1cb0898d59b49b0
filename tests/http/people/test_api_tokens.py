"""API tokens: shown once, within their scopes, as a living user, and gone when they are revoked."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from tests.support.cast import AMIR, BO, CHEN, DORA, GINA, HUGO, OLIVE, VERA, ZOE, Member
from tests.support.desk import Desk, Handoff
from tests.support.document import operations
from tests.support.listener import Listener

EVERYTHING = [
    "sessions:read",
    "sessions:write",
    "handoffs:create",
    "handoffs:read",
    "handoffs:note",
    "events:read",
]


@pytest.fixture(autouse=True)
def _mail_is_not_the_subject(desk: Desk) -> None:
    desk.mail_matters = False


async def make(desk: Desk, by: Member = AMIR, **body: Any) -> httpx.Response:
    wanted = {"name": "Reporter", "scopes": EVERYTHING} | body
    return await desk.http(by).post("/api-tokens", json=wanted)


async def made(desk: Desk, by: Member = AMIR, **body: Any) -> tuple[str, dict[str, Any]]:
    answer = await make(desk, by, **body)
    assert answer.status_code == 201, answer.text
    return answer.json()["token"], answer.json()["api_token"]


async def agreed(desk: Desk, who: Member, **body: Any) -> str:
    """A token of an admin's making in somebody's name, once they have said yes."""
    token, shown = await made(desk, user_id=str(who.id), **body)
    answer = await desk.http(who).post(f"/me/api-tokens/{shown['id']}/agree")
    assert answer.status_code == 200, answer.text
    return token


def program(desk: Desk, token: str) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.AsyncClient(base_url=desk.base_url, headers=headers, timeout=20, trust_env=False)


async def test_a_token_is_shown_once(desk: Desk) -> None:
    token, shown = await made(desk, scopes=["sessions:read", "sessions:read"])
    assert token.startswith("hnd_")
    assert shown["scopes"] == ["sessions:read"]
    assert shown["acts_as"]["id"] == shown["created_by"]["id"] == str(AMIR.id)
    listed = await desk.http(OLIVE).get("/api-tokens")
    one = await desk.http(OLIVE).get(f"/api-tokens/{shown['id']}")
    assert listed.json() == [one.json()]
    secret = token.rpartition("_")[2]
    async with desk.database.engine_room() as connection:
        rows = (await connection.execute(text("SELECT api_tokens::text FROM api_tokens"))).all()
    for place in (listed.text, one.text, str(rows)):
        assert secret not in place


async def test_a_program_creates_and_reads(desk: Desk) -> None:
    token = await agreed(desk, CHEN)
    async with program(desk, token) as http:
        session = await http.post("/ai-sessions", json={"title": "Disk full"})
        assert session.status_code == 201
        assert session.json()["holder"]["id"] == str(CHEN.id)
        path = f"/ai-sessions/{session.json()['id']}"
        created = await http.post(f"{path}/handoff", json={"intent": "escalate"})
        assert created.status_code == 201
        assert created.json()["escalator"]["id"] == str(CHEN.id)
        handoff = f"{path}/handoffs/{created.json()['id']}"
        for read in (
            "/ai-sessions", path, f"{path}/handoffs", handoff, f"{handoff}/events",
            f"{handoff}/deliveries", "/ai-sessions/queue?scope=account",
        ):  # fmt: skip
            assert (await http.get(read)).status_code == 200, read


async def test_a_program_never_commands(desk: Desk) -> None:
    handoff = await desk.escalate()
    token, _ = await made(desk, OLIVE, scopes=[*EVERYTHING, "scim"])
    async with program(desk, token) as http:
        for operation_id, (method, path, operation) in operations().items():
            if "security" not in operation or operation_id in OPEN:
                continue
            url = path.format(
                session_id=handoff.session_id,
                handoff_id=handoff.id,
                user_id=CHEN.id,
                team_id=CHEN.team_id,
                token_id=handoff.id,
                file_id=handoff.id,
                webhook_id=handoff.id,
            )
            answer = await http.request(method, url, json={"round": 1} if method != "GET" else None)
            assert answer.status_code in (403, 422), f"{operation_id}: {answer.status_code}"
            again = await http.request(method, url, headers={"Idempotency-Key": operation_id})
            assert again.status_code == 403, f"{operation_id}: {again.status_code}"
    assert (await desk.see(handoff))["status"] == "open"


OPEN = {
    "listSessions", "getSession", "createSession", "createHandoff", "getQueue", "searchHandoffs",
    "listHandoffs", "getHandoff", "listHandoffEvents", "listHandoffDeliveries", "streamEvents",
    *(operation_id for operation_id in operations() if operation_id.startswith("scim")),
    # By a scope of its own.
    "writeHandoffNote", "addSessionFile", "listSessionFiles", "getSessionFile",
    # Its path is no id; the table of routes has it.
    "claimByLink",
    # Slack's own, which no token opens.
    "pressInSlack",
}  # fmt: skip


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        ("sessions:read", "GET", "/ai-sessions"),
        ("sessions:write", "POST", "/ai-sessions"),
        ("handoffs:read", "GET", "/ai-sessions/queue"),
        ("handoffs:create", "POST", "/ai-sessions/{id}/handoff"),
        ("events:read", "GET", "/events"),
    ],
)
async def test_each_scope_opens_its_own(desk: Desk, scope: str, method: str, path: str) -> None:
    url = path.format(id=await desk.start_session())
    bodies = {"/ai-sessions": {"title": "VPN"}}
    token = await agreed(desk, BO, scopes=[scope])
    others = await agreed(desk, BO, scopes=[other for other in EVERYTHING if other != scope])
    json = bodies.get(path, {"intent": "park"}) if method == "POST" else None
    async with program(desk, token) as http, http.stream(method, url, json=json) as answer:
        assert answer.status_code in (200, 201), scope
    async with program(desk, others) as http:
        refused = await http.request(method, url, json=json)
        assert refused.status_code == 403
        assert scope in refused.json()["detail"]


async def test_a_revoked_token_is_nobodys(desk: Desk) -> None:
    token, shown = await made(desk)
    async with program(desk, token) as http:
        listener = Listener(http)
        async with listener:
            for _ in range(2):
                answer = await desk.http(OLIVE).delete(f"/api-tokens/{shown['id']}")
                assert answer.status_code == 204
            bye = await listener.hear("bye", within=15)
            assert bye.data["reason"] == "rights"
        assert (await http.get("/ai-sessions")).status_code == 401
    listed = (await desk.http(AMIR).get("/api-tokens")).json()
    assert listed[0]["revoked_at"]


async def test_an_expired_token_is_nobodys(desk: Desk) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    token, _ = await made(desk, expires_at=soon.isoformat())
    async with program(desk, token) as http:
        assert (await http.get("/ai-sessions")).status_code == 200
        await execute(desk, "UPDATE api_tokens SET expires_at = now() - interval '1 second'")
        assert (await http.get("/ai-sessions")).status_code == 401
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    assert (await make(desk, expires_at=past)).status_code == 422


async def execute(desk: Desk, statement: str, **values: Any) -> None:
    async with desk.database.engine_room() as connection:
        await connection.execute(text(statement), values)


async def test_the_user_behind_it_decides_at_every_request(desk: Desk) -> None:
    token = await agreed(desk, CHEN)
    async with program(desk, token) as http:
        await execute(desk, "UPDATE users SET role = 'viewer' WHERE id = :id", id=CHEN.id)
        assert (await http.get("/ai-sessions")).status_code == 200
        assert (await http.post("/ai-sessions", json={"title": "VPN"})).status_code == 403
        await execute(desk, "UPDATE users SET is_active = false WHERE id = :id", id=CHEN.id)
        assert (await http.get("/ai-sessions")).status_code == 401


@pytest.mark.parametrize("who", [ZOE, DORA, HUGO])
async def test_nobody_acts_as_who_is_not_there(desk: Desk, who: Member) -> None:
    answer = await make(desk, user_id=str(who.id))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"] == "body/user_id"


async def test_nobody_rises_by_a_token(desk: Desk) -> None:
    assert (await make(desk, AMIR, user_id=str(OLIVE.id))).status_code == 403
    assert (await make(desk, OLIVE, user_id=str(OLIVE.id))).status_code == 201
    for member in (BO, VERA):
        assert (await make(desk, member)).status_code == 403
        assert (await desk.http(member).get("/api-tokens")).status_code == 403


async def test_a_token_stays_in_its_account(desk: Desk) -> None:
    token, shown = await made(desk)
    ours = await desk.escalate()
    session_id = await desk.start_session(HUGO)
    theirs = Handoff((await desk.hand_off(session_id, HUGO)).json()["id"], session_id, HUGO)
    async with program(desk, token) as http:
        assert (await http.get(ours.path)).status_code == 200
        assert (await http.get(theirs.path)).status_code == 404
    foreign = desk.http(GINA)
    assert (await foreign.get("/api-tokens")).json() == []
    for answer in (
        await foreign.get(f"/api-tokens/{shown['id']}"),
        await foreign.delete(f"/api-tokens/{shown['id']}"),
    ):
        assert answer.status_code == 404
    async with program(desk, token) as http:
        assert (await http.get("/ai-sessions")).status_code == 200


async def test_a_guess_is_nobodys(desk: Desk) -> None:
    token, _ = await made(desk)
    mark, prefix, secret = token.split("_")
    for guess in (
        f"{mark}_{prefix}_{'0' * 64}",
        f"{mark}_{'0' * 12}_{secret}",
        f"{mark}_{prefix}_{secret.upper()}",
        f"{mark}_{prefix}_{secret}0",
        f"{mark}_{prefix}_",
        f"{mark}_{prefix}",
        "hnd_",
        "hnd_" + "x" * 5000,
        f"hnd_{prefix}' OR 1=1 --_{secret}",
    ):
        async with program(desk, guess) as http:
            assert (await http.get("/ai-sessions")).status_code == 401, guess


async def test_a_token_is_not_in_the_log(
    desk: Desk, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG, logger="api")
    token, _ = await made(desk)
    async with program(desk, token) as http:
        await http.get("/ai-sessions")
        await http.get("/policy")
    async with program(desk, token + "0") as http:
        await http.get("/ai-sessions")
    printed = capsys.readouterr()
    for place in (caplog.text, printed.out, printed.err):
        assert token.rpartition("_")[2] not in place


async def test_its_use_is_noted_once_a_minute(desk: Desk) -> None:
    token, shown = await made(desk)
    assert shown["last_used_at"] is None
    seen = []
    async with program(desk, token) as http:
        for _ in range(3):
            assert (await http.get("/ai-sessions")).status_code == 200
            one = await desk.http(AMIR).get(f"/api-tokens/{shown['id']}")
            seen.append(one.json()["last_used_at"])
        assert seen[0] is not None
        assert len(set(seen)) == 1
        await execute(desk, "UPDATE api_tokens SET last_used_at = now() - interval '2 minutes'")
        await http.get("/ai-sessions")
    assert (await desk.http(AMIR).get(f"/api-tokens/{shown['id']}")).json()["last_used_at"] > seen[
        0
    ]


async def test_a_repeat_does_not_show_it_again(desk: Desk) -> None:
    body = {"name": "Reporter", "scopes": ["sessions:read"]}
    first, again = [
        await desk.http(AMIR).post("/api-tokens", json=body, headers={"Idempotency-Key": "t"})
        for _ in range(2)
    ]
    assert first.json()["token"]
    assert again.status_code == 201
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json() | {"token": None}
    async with desk.database.engine_room() as connection:
        kept = (await connection.execute(text("SELECT body FROM idempotency_keys"))).scalar_one()
    assert first.json()["token"].encode() not in kept


async def test_a_lost_answer_is_given_with_a_new_secret(desk: Desk) -> None:
    body = {"name": "Reporter", "scopes": ["sessions:read"]}
    headers = {"Idempotency-Key": "t"}
    lost = "UPDATE idempotency_keys SET status = NULL, body = NULL, locked_until = NULL"
    first = await desk.http(AMIR).post("/api-tokens", json=body, headers=headers)
    await execute(desk, lost)
    again = await desk.http(AMIR).post("/api-tokens", json=body, headers=headers)
    assert again.json()["api_token"]["id"] == first.json()["api_token"]["id"]
    async with program(desk, first.json()["token"]) as http:
        assert (await http.get("/ai-sessions")).status_code == 401
    async with program(desk, again.json()["token"]) as http:
        assert (await http.get("/ai-sessions")).status_code == 200
    # One that somebody uses already is never taken from them.
    await execute(desk, lost)
    third = await desk.http(AMIR).post("/api-tokens", json=body, headers=headers)
    assert third.status_code == 409


async def test_a_flood_of_tokens_has_pages(desk: Desk) -> None:
    await asyncio.gather(*(make(desk, name=f"Program {number}") for number in range(5)))
    seen: list[str] = []
    url: str | None = "/api-tokens?limit=2"
    while url:
        answer = await desk.http(AMIR).get(url)
        seen += [token["id"] for token in answer.json()]
        url = answer.links.get("next", {}).get("url")
    assert len(seen) == len(set(seen)) == 5


@pytest.mark.parametrize(
    "body",
    [
        {"scopes": []},
        {"scopes": ["handoffs:claim"]},
        {"scopes": ["*"]},
        {"name": ""},
        {"name": "a\nb"},
        {"prefix": "000000000000"},
        {"expires_at": "2030-01-01T00:00:00"},
    ],
)
async def test_a_token_that_cannot_be(desk: Desk, body: dict[str, Any]) -> None:
    assert (await make(desk, **body)).status_code == 422
