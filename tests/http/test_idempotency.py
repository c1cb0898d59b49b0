"""`Idempotency-Key` from outside: one key is one request, whatever is repeated, lost or killed."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from sqlalchemy import text

from api.app import build
from api.endpoints.idempotency import IdempotentRoute
from handoff import claim_links
from handoff.claim_links import ClaimLink
from handoff.database.operations import idempotency
from tests.support.cast import AMIR, BO, CHEN, OLIVE, VERA, Member
from tests.support.desk import Desk, Handoff

BODY = {"intent": "escalate", "engineer_notes": "Rekey fails."}


@pytest.fixture(autouse=True)
def _mail_is_not_the_subject(desk: Desk) -> None:
    desk.mail_matters = False


async def hand_off(
    desk: Desk, session_id: UUID, key: str, body: Any = None, by: Member = BO
) -> httpx.Response:
    return await desk.http(by).post(
        f"/ai-sessions/{session_id}/handoff",
        json=BODY if body is None else body,
        headers={"Idempotency-Key": key},
    )


async def handoffs_of(desk: Desk, session_id: UUID) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (
        await desk.http(BO).get(f"/ai-sessions/{session_id}/handoffs")
    ).json()
    return found


async def execute(desk: Desk, statement: str, **values: Any) -> int:
    async with desk.database.engine_room() as connection:
        return (await connection.execute(text(statement), values)).rowcount


async def forget_the_answer(desk: Desk, key: str, *, lock: str) -> None:
    """As if the process had been killed after the work and before the answer."""
    done = await execute(
        desk,
        "UPDATE idempotency_keys SET status = NULL, headers = NULL, body = NULL,"
        f" locked_until = now() + interval '{lock}' WHERE key = :key",
        key=key,
    )
    assert done == 1


async def test_a_repeat_gets_the_same_answer(desk: Desk) -> None:
    session_id = await desk.start_session()
    first = await hand_off(desk, session_id, "k1")
    again = await hand_off(desk, session_id, "k1")
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    for name in ("content-type", "location", "etag"):
        assert first.headers[name] == again.headers[name]
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(await handoffs_of(desk, session_id)) == 1


async def test_a_repeated_session_is_one_session(desk: Desk) -> None:
    made = [
        await desk.http(BO).post(
            "/ai-sessions", json={"title": "VPN"}, headers={"Idempotency-Key": "s"}
        )
        for _ in range(2)
    ]
    assert made[0].json() == made[1].json()
    assert len((await desk.http(BO).get("/ai-sessions")).json()) == 1


async def test_the_same_key_cannot_mean_something_else(desk: Desk) -> None:
    session_id, other = await desk.start_session(), await desk.start_session()
    assert (await hand_off(desk, session_id, "k")).status_code == 201
    for answer in (
        await hand_off(desk, session_id, "k", BODY | {"priority": "high"}),
        await hand_off(desk, other, "k"),
        await desk.http(BO).post(
            f"/ai-sessions/{session_id}/handoff?x=1", json=BODY, headers={"Idempotency-Key": "k"}
        ),
    ):
        assert answer.status_code == 422
        assert answer.json()["type"] == "/problems/idempotency-mismatch"
    assert await handoffs_of(desk, other) == []


async def test_a_key_belongs_to_its_user(desk: Desk) -> None:
    for member in (BO, CHEN):
        session_id = await desk.start_session(member)
        answer = await hand_off(desk, session_id, "shared", by=member)
        assert answer.status_code == 201
        assert answer.json()["escalator"]["id"] == str(member.id)


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "caf\xe9"])
async def test_a_key_that_is_none(desk: Desk, key: str) -> None:
    headers = [(b"Idempotency-Key", key.encode("latin-1"))]
    answer = await desk.http(BO).post("/ai-sessions", json={"title": "VPN"}, headers=headers)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


async def test_two_keys_are_none(desk: Desk) -> None:
    headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    answer = await desk.http(BO).post("/ai-sessions", json={"title": "VPN"}, headers=headers)
    assert answer.status_code == 422


@pytest.mark.parametrize("key", ["x", "x" * 255, "'; DROP TABLE users --", "a key, with spaces"])
async def test_a_key_may_be_anything_printable(desk: Desk, key: str) -> None:
    made = [
        await desk.http(BO).post(
            "/ai-sessions", json={"title": "VPN"}, headers={"Idempotency-Key": key}
        )
        for _ in range(2)
    ]
    assert [answer.status_code for answer in made] == [201, 201]
    assert made[1].headers["Idempotency-Replayed"] == "true"


async def test_twenty_at_once_are_one_handoff(desk: Desk) -> None:
    session_id = await desk.start_session()
    answers = await asyncio.gather(*(hand_off(desk, session_id, "once") for _ in range(20)))
    kinds = Counter(answer.status_code for answer in answers)
    assert set(kinds) <= {201, 409}, kinds
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    fresh = [a for a in answers if a.status_code == 201 and "Idempotency-Replayed" not in a.headers]
    assert len(fresh) == 1
    for answer in answers:
        if answer.status_code == 409:
            assert answer.json()["type"] == "/problems/request-in-flight"
    assert len(await handoffs_of(desk, session_id)) == 1


async def test_refusals_are_answers_too(desk: Desk) -> None:
    unknown = uuid4()
    first, again = [await hand_off(desk, unknown, "gone") for _ in range(2)]
    assert first.status_code == again.status_code == 404
    assert first.content == again.content
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["content-type"] == "application/problem+json"
    # A body that is refused is kept as well: the same body stays as wrong as it was.
    session_id = await desk.start_session()
    bad = [await hand_off(desk, session_id, "bad", {"intent": "shout"}) for _ in range(2)]
    assert [answer.status_code for answer in bad] == [422, 422]
    assert bad[1].headers["Idempotency-Replayed"] == "true"


async def test_a_loser_stays_told_who_won(desk: Desk) -> None:
    handoff = await desk.escalate()
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    key = {"Idempotency-Key": "mine"}
    first, again = [await desk.command(CHEN, handoff, "claim", **key) for _ in range(2)]
    assert first.status_code == again.status_code == 409
    assert again.json()["claimed_by"]["id"] == str(AMIR.id)
    assert again.headers["Idempotency-Replayed"] == "true"


async def test_nobody_is_nobody_however_often(desk: Desk) -> None:
    for _ in range(2):
        answer = await desk.http().post(
            "/ai-sessions", json={"title": "VPN"}, headers={"Idempotency-Key": "k"}
        )
        assert answer.status_code == 401
        assert "Idempotency-Replayed" not in answer.headers
    viewer = await desk.http(VERA).post(
        "/ai-sessions", json={"title": "VPN"}, headers={"Idempotency-Key": "k"}
    )
    assert viewer.status_code == 403


async def test_a_request_in_flight_is_waited_for(desk: Desk) -> None:
    session_id = await desk.start_session()
    assert (await hand_off(desk, session_id, "k")).status_code == 201
    await forget_the_answer(desk, "k", lock="10 seconds")
    answer = await hand_off(desk, session_id, "k")
    assert answer.status_code == 409
    assert answer.json()["type"] == "/problems/request-in-flight"


async def test_a_killed_process_leaves_one_handoff(desk: Desk) -> None:
    session_id = await desk.start_session()
    first = await hand_off(desk, session_id, "k")
    await forget_the_answer(desk, "k", lock="-1 second")
    again = await hand_off(desk, session_id, "k")
    assert again.status_code == 201
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["location"] == first.headers["location"]
    assert len(await handoffs_of(desk, session_id)) == 1
    # From now on the answer is kept.
    assert (await hand_off(desk, session_id, "k")).headers["Idempotency-Replayed"] == "true"


async def test_the_handoff_is_found_whatever_became_of_it(desk: Desk) -> None:
    session_id = await desk.start_session()
    first = await hand_off(desk, session_id, "k")
    handoff = Handoff(UUID(first.json()["id"]), session_id, BO)
    # The session has another holder by now, and then another handoff.
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    await forget_the_answer(desk, "k", lock="-1 second")
    assert (await hand_off(desk, session_id, "k")).json()["id"] == str(handoff.id)
    resolved = await desk.command(AMIR, handoff, "resolve", {"outcome": "fixed"})
    assert resolved.status_code == 200
    assert (await desk.hand_off(session_id, AMIR)).status_code == 201
    await forget_the_answer(desk, "k", lock="-1 second")
    again = await hand_off(desk, session_id, "k")
    assert again.status_code == 201
    assert again.json()["id"] == str(handoff.id)
    assert again.json()["status"] == "resolved"


async def test_a_handoff_that_has_ended_is_found(desk: Desk) -> None:
    session_id = await desk.start_session()
    first = await hand_off(desk, session_id, "k")
    handoff = Handoff(UUID(first.json()["id"]), session_id, BO)
    # The session is Bo's again, and free: only the engine knows that the handoff was there.
    assert (await desk.command(BO, handoff, "cancel")).status_code == 200
    await desk.workflow(handoff).result()
    await forget_the_answer(desk, "k", lock="-1 second")
    again = await hand_off(desk, session_id, "k")
    assert again.status_code == 201
    assert again.json()["id"] == str(handoff.id)
    assert again.json()["status"] == "cancelled"
    assert len(await handoffs_of(desk, session_id)) == 1


async def test_it_is_found_although_its_callbacks_host_is_none_any_more(desk: Desk) -> None:
    session_id = await desk.start_session()
    await desk.http(OLIVE).put("/account", json={"callback_hosts": ["jobs.acme.test"]})
    body = BODY | {"callback": {"url": "https://jobs.acme.test/done"}}
    first = await hand_off(desk, session_id, "called back", body)
    assert first.status_code == 201, first.text
    await desk.http(OLIVE).put("/account", json={"callback_hosts": []})
    await forget_the_answer(desk, "called back", lock="-1 second")
    again = await hand_off(desk, session_id, "called back", body)
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])


async def test_a_session_of_a_killed_process_is_found(desk: Desk) -> None:
    headers = {"Idempotency-Key": "s"}
    first = await desk.http(BO).post("/ai-sessions", json={"title": "VPN"}, headers=headers)
    await forget_the_answer(desk, "s", lock="-1 second")
    again = await desk.http(BO).post("/ai-sessions", json={"title": "VPN"}, headers=headers)
    assert again.status_code == 201
    assert again.json() == first.json()


@pytest.mark.expects_errors
async def test_a_failure_of_ours_is_tried_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = await desk.start_session()

    async def fails(*_: Any, **__: Any) -> None:
        raise OSError

    with monkeypatch.context() as patched:
        patched.setattr("api.engine.starting.start_handoff", fails)
        failed = await hand_off(desk, session_id, "k")
    assert failed.status_code == 503
    answer = await hand_off(desk, session_id, "k")
    assert answer.status_code == 201
    assert "Idempotency-Replayed" not in answer.headers


async def test_an_answer_that_cannot_be_kept_is_given_all_the_same(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = await desk.start_session()

    async def fails(*_: Any) -> None:
        raise OSError

    with monkeypatch.context() as patched:
        patched.setattr(idempotency, "keep", fails)
        first = await hand_off(desk, session_id, "k")
    assert first.status_code == 201
    assert (await hand_off(desk, session_id, "k")).status_code == 409


async def test_a_client_that_hangs_up_has_asked_all_the_same(desk: Desk) -> None:
    """The request was whole, so it is carried out, and a repeat learns of it."""
    session_id = await desk.start_session()
    port = int(desk.base_url.rpartition(":")[2])
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    head = (
        f"POST /ai-sessions/{session_id}/handoff HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {desk.token(BO)}\r\nIdempotency-Key: k\r\n"
        "Content-Type: application/json\r\nContent-Length: 21\r\n\r\n"
    )
    writer.write(head.encode() + b'{"intent":"escalate"}')
    await writer.drain()
    writer.close()

    async def recorded() -> Any:
        return await handoffs_of(desk, session_id)

    found = await desk.until(recorded)

    async def answered() -> Any:
        answer = await desk.http(BO).post(
            f"/ai-sessions/{session_id}/handoff",
            content=b'{"intent":"escalate"}',
            headers={"Idempotency-Key": "k", "Content-Type": "application/json"},
        )
        return answer if answer.status_code == 201 else None

    again: httpx.Response = await desk.until(answered)
    assert again.json()["id"] == found[0]["id"]
    assert len(await handoffs_of(desk, session_id)) == 1


async def test_half_a_request_is_none(desk: Desk) -> None:
    handoff = await desk.escalate()
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    port = int(desk.base_url.rpartition(":")[2])
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    head = (
        f"POST {handoff.path}/release HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {desk.token(AMIR)}\r\n"
        "Content-Type: application/json\r\nContent-Length: 20\r\n\r\n"
    )
    writer.write(head.encode())
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    # The body may be left out of a release, so a lost one must not read as none.
    assert (await desk.see(handoff))["status"] == "claimed"
    assert (await desk.see(handoff))["status"] == "claimed"


async def test_keys_are_forgotten_in_time(desk: Desk) -> None:
    session_id = await desk.start_session()
    for key in ("old", "new"):
        await hand_off(desk, session_id, key)
    await execute(
        desk, "UPDATE idempotency_keys SET created_at = now() - interval '2 days' WHERE key = 'old'"
    )
    assert await idempotency.purge_keys(desk.database, timedelta(hours=24)) == 1
    assert await idempotency.purge_keys(desk.database, timedelta(hours=24)) == 0
    assert (await hand_off(desk, session_id, "new")).headers["Idempotency-Replayed"] == "true"


async def test_a_key_in_use_is_not_forgotten(desk: Desk) -> None:
    session_id = await desk.start_session()
    await hand_off(desk, session_id, "k")
    await forget_the_answer(desk, "k", lock="10 seconds")
    await execute(desk, "UPDATE idempotency_keys SET created_at = now() - interval '2 days'")
    assert await idempotency.purge_keys(desk.database, timedelta(hours=24)) == 0


def test_no_endpoint_forgets_it(desk: Desk) -> None:
    app = build(desk.settings)
    forgetful = [
        context.path
        for context in iter_route_contexts(app.routes)
        if isinstance(context.original_route, APIRoute)
        and "POST" in (context.methods or ())
        and context.original_route.include_in_schema
        and not isinstance(context.original_route, IdempotentRoute)
        # A page's form sends no header; whoever asks for JSON can, as the next test shows. Slack
        # sends none, and who presses twice is told that they have it.
        and context.path not in ("/c/{token}", "/integrations/slack/actions")
    ]
    assert forgetful == []


async def test_a_claim_by_link_is_repeated_alike(desk: Desk) -> None:
    handoff = await desk.escalate()
    link = ClaimLink(AMIR.account_id, handoff.session_id, handoff.id, AMIR.id)
    url = claim_links.address(link, desk.settings, until=datetime.now(UTC) + timedelta(hours=1))
    assert url is not None
    path = httpx.URL(url).path
    first, again = [
        await desk.http(AMIR).post(path, headers={"Idempotency-Key": "k"}) for _ in range(2)
    ]
    assert first.status_code == again.status_code == 200
    assert again.headers["Idempotency-Replayed"] == "true"
