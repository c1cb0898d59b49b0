"""Nobody's request costs much: what strangers send is bounded in time, memory and transactions."""

import asyncio
import json
import resource
import time
import tracemalloc
from uuid import UUID

import httpx
import pytest

from api.http import json_bodies
from api.identity import machines
from handoff.contract.people import Actor
from handoff.contract.words import Role
from handoff.database.gate import Database
from handoff.errors import Invalid
from handoff.ids import new_id
from tests.support.cast import AMIR, BO
from tests.support.desk import Desk
from tests.support.pools import checkouts

JSON = {"Content-Type": "application/json"}

WIDE_UNDER_A_LONG_NAME = b'{"%s":[%s"\\u0041"]}' % (b"k" * 32_000, b"1," * 16_000)
NAMES_IN_NAMES = b'{"%s":' % (b"k" * 1_000) * 60 + b"1" + b"}" * 60
EMPTY_LISTS = b"[" + b"[]," * 21_000 + b'"\\u0041"]'
BODIES = {
    "a wide list under a long name": WIDE_UNDER_A_LONG_NAME,
    "long names in each other": NAMES_IN_NAMES,
    "a list of lists": EMPTY_LISTS,
}


def main_pool(desk: Desk) -> Database:
    assert desk.services is not None
    return desk.services.database


# Bodies.


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_judging_a_body_takes_little(body: bytes) -> None:
    tracemalloc.start()
    # Of this thread alone: those of the engine's clients go on beside.
    began = time.thread_time()
    json_bodies.must_be_plain(body)
    took = time.thread_time() - began
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * len(body), peak
    assert took < 0.5


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b'{"a":[1,{"b":"\\u0000"}]}', "body/a/1/b"),
        (b'{"a":{"b":{"c\\ud800":1}}}', "body/a/b"),
        (b'["\\udfff"]', "body/0"),
        (b"[" * 65 + b"1" + b"]" * 65, ("body" + "/0" * 65)[:100]),
    ],
)
def test_a_fault_has_its_path(body: bytes, path: str) -> None:
    with pytest.raises(Invalid) as refused:
        json_bodies.must_be_plain(body)
    assert refused.value.facts["errors"][0]["path"] == path


@pytest.mark.parametrize("path", ["/livez", "/nowhere", "/ai-sessions"])
async def test_a_strangers_body_costs_no_memory(front_desk: Desk, path: str) -> None:
    stranger = front_desk.http()
    await stranger.post(path, content=b"{}", headers=JSON)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    answer = await stranger.post(path, content=WIDE_UNDER_A_LONG_NAME, headers=JSON)
    took = time.monotonic() - began
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert answer.status_code in (401, 404, 405)
    assert grown < 32 * 1024, f"{grown} KB"
    assert took < 0.5


async def test_what_nobody_reads_nobody_judges(
    front_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[bytes] = []
    monkeypatch.setattr(json_bodies, "must_be_plain", judged.append)
    for path in ("/livez", "/nowhere"):
        await front_desk.http().post(path, content=b"{", headers=JSON)
    assert judged == []
    await front_desk.http(BO).post("/ai-sessions", content=b'{"title":"VPN"}', headers=JSON)
    assert len(judged) == 1


async def test_many_faults_make_no_large_answer(front_desk: Desk) -> None:
    body = json.dumps({"title": "VPN"} | {f"f{number}": 1 for number in range(4_000)})
    answer = await front_desk.http(BO).post("/ai-sessions", content=body, headers=JSON)
    assert answer.status_code == 422
    assert len(answer.content) < 16 * 1024


# Health.


@pytest.mark.alone
@pytest.mark.parametrize("path", ["/readyz", "/metrics"])
async def test_a_flood_of_looks_is_one_look(desk: Desk, path: str) -> None:
    assert desk.services is not None
    await desk.until(lambda: _is_well(desk))
    with checkouts(main_pool(desk)) as waited, checkouts(desk.services.probed) as looked:
        began = time.monotonic()
        async with httpx.AsyncClient(
            base_url=desk.base_url if path == "/readyz" else desk.services.operator_url,
            trust_env=False,
            limits=httpx.Limits(max_connections=50),
        ) as crowd:
            flood = asyncio.gather(*(crowd.get(path) for _ in range(300)))
            assert (await desk.http(BO).get("/me")).status_code == 200
            answers = await flood
        seconds = time.monotonic() - began
    assert {answer.status_code for answer in answers} == {200}
    # Four questions to PostgreSQL a look, one look a second; and people have theirs to themselves.
    assert len(looked) <= 5 * (seconds + 2), (len(looked), seconds)
    assert len(waited) <= 3


async def _is_well(desk: Desk) -> bool:
    found: bool = (await desk.http().get("/readyz")).json()["status"] == "ok"
    return found


# Invented identities.


def _invented(number: int) -> dict[str, str]:
    return {"Authorization": f"Bearer hnd_{number:012x}_{number:064x}"}


async def _program(desk: Desk) -> dict[str, str]:
    body = {"name": "Reporter", "scopes": ["sessions:read"]}
    made = await desk.http(AMIR).post("/api-tokens", json=body)
    assert made.status_code == 201, made.text
    return {"Authorization": f"Bearer {made.json()['token']}"}


@pytest.mark.desk(rate_failures_per_address=5)
async def test_invented_tokens_are_refused_before_they_cost_a_transaction(desk: Desk) -> None:
    stranger = desk.http()
    program = await _program(desk)
    assert (await stranger.get("/ai-sessions", headers=program)).status_code == 200
    with checkouts(main_pool(desk)) as taken:
        began = time.monotonic()
        answers = [
            (await stranger.get("/ai-sessions", headers=_invented(number))).status_code
            for number in range(60)
        ]
        seconds = time.monotonic() - began
    assert answers == [401] * 5 + [429] * 55
    # A refusal holds for a second; then one may try again.
    assert len(taken) <= 6 + seconds
    # Who is known goes on, from the same address: people and programs.
    assert (await desk.http(BO).get("/ai-sessions")).status_code == 200
    assert (await stranger.get("/ai-sessions", headers=program)).status_code == 200


# An amount of its own: desks share a Redis, and strangers an address.
@pytest.mark.desk(rate_failures_per_address=6)
async def test_invented_bearers_cost_no_transaction(desk: Desk) -> None:
    head, body, _ = desk.token(BO).split(".")
    forged = {"Authorization": f"Bearer {head}.{body}.{'A' * 43}"}
    with checkouts(main_pool(desk)) as taken:
        answers = [
            (await desk.http().get("/ai-sessions", headers=forged)).status_code for _ in range(20)
        ]
    assert answers == [401] * 6 + [429] * 14
    assert taken == []


@pytest.mark.desk(rate_failures_per_address=5)
async def test_a_good_signature_for_nobody_is_limited_too(desk: Desk) -> None:
    gone = Actor(new_id(), UUID(int=1), "Gone", "gone@acme.test", Role.ENGINEER, None)
    headers = {"Authorization": f"Bearer {desk.token(gone)}"}  # type: ignore[arg-type]
    with checkouts(main_pool(desk)) as taken:
        began = time.monotonic()
        answers = [
            (await desk.http().get("/ai-sessions", headers=headers)).status_code for _ in range(40)
        ]
        seconds = time.monotonic() - began
    assert answers[5:] == [429] * 35
    assert len(taken) <= 6 + seconds


@pytest.mark.desk(rate_requests_per_user=8)
async def test_who_has_asked_too_much_is_not_looked_up_again(desk: Desk) -> None:
    with checkouts(main_pool(desk)) as taken:
        began = time.monotonic()
        for _ in range(40):
            last = await desk.http(BO).get("/ai-sessions")
        seconds = time.monotonic() - began
    assert last.status_code == 429
    assert len(taken) <= 2 * 8 + 1 + seconds


async def test_a_revoked_token_is_known_no_more(desk: Desk) -> None:
    program = await _program(desk)
    assert (await desk.http().get("/ai-sessions", headers=program)).status_code == 200
    listed = (await desk.http(AMIR).get("/api-tokens")).json()
    await desk.http(AMIR).delete(f"/api-tokens/{listed[0]['id']}")
    assert (await desk.http().get("/ai-sessions", headers=program)).status_code == 401
    assert desk.services is not None
    token = program["Authorization"].removeprefix("Bearer ")
    assert desk.services.proven.holder(machines._digest(token)) is None
