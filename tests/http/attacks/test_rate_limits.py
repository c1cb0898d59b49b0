"""Limits: who asks for too much is told when to come again, and nobody waits for a dead Redis."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from api.http.rate_limits import RateLimits
from handoff import live
from handoff.contract.people import Actor
from handoff.contract.words import Role
from handoff.errors import TooMany
from handoff.ids import new_id
from tests.support.cast import AMIR, BO, CHEN, GINA, SENIORS, VERA
from tests.support.desk import Desk

PATH = "/ai-sessions"


def somebody() -> Actor:
    return Actor(new_id(), new_id(), "Somebody", "somebody@acme.test", Role.ENGINEER, None)


async def refused(limits: RateLimits, caller: Actor) -> bool:
    try:
        await limits.request(caller)
    except TooMany:
        return True
    return False


def is_refusal(answer: httpx.Response, *, name: str) -> None:
    assert answer.status_code == 429, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "/problems/too-many-requests"
    assert answer.json()["limit"]["name"] == name
    assert 1 <= int(answer.headers["retry-after"]) <= answer.json()["limit"]["seconds"]
    assert answer.headers["ratelimit"].startswith(f'"{name}";r=0;t=')
    assert answer.headers["ratelimit-policy"].startswith(f'"{name}";q=')


@pytest.mark.desk(rate_requests_per_user=5)
async def test_one_user_too_often(desk: Desk) -> None:
    answers = [await desk.http(VERA).get(PATH) for _ in range(7)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
    is_refusal(answers[-1], name="user")
    # Others are not concerned, and neither is what asks for nobody.
    assert (await desk.http(BO).get(PATH)).status_code == 200
    assert (await desk.http(VERA).get("/livez")).status_code == 200


@pytest.mark.desk(rate_requests_per_account=6)
async def test_one_account_too_often(desk: Desk) -> None:
    for member in (BO, VERA, AMIR):
        assert [(await desk.http(member).get(PATH)).status_code for _ in range(2)] == [200, 200]
    is_refusal(await desk.http(CHEN).get(PATH), name="account")
    assert (await desk.http(GINA).get(PATH)).status_code == 200


@pytest.mark.desk(rate_requests_per_user=3)
async def test_a_loser_has_asked_too(desk: Desk) -> None:
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff)
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    lost = [(await desk.claim(CHEN, handoff)).status_code for _ in range(4)]
    assert lost == [409, 409, 409, 429]
    desk.mail_matters = False


@pytest.mark.desk(rate_creates_per_user=2)
async def test_too_many_new_handoffs(desk: Desk) -> None:
    desk.mail_matters = False
    sessions = [await desk.start_session() for _ in range(3)]
    for session_id in sessions[:2]:
        answer = await desk.http(BO).post(
            f"{PATH}/{session_id}/handoff",
            json={"intent": "escalate"},
            headers={"Idempotency-Key": str(session_id)},
        )
        assert answer.status_code == 201
    third = {"Idempotency-Key": "third"}
    path, body = f"{PATH}/{sessions[2]}/handoff", {"intent": "escalate"}
    for _ in range(2):
        answer = await desk.http(BO).post(path, json=body, headers=third)
        # It is no answer to the request, so it is not replayed either.
        is_refusal(answer, name="creates")
        assert "Idempotency-Replayed" not in answer.headers
    # What was created can be asked for again, and everything else goes on.
    again = await desk.http(BO).post(
        f"{PATH}/{sessions[0]}/handoff",
        json=body,
        headers={"Idempotency-Key": str(sessions[0])},
    )
    assert again.status_code == 201
    assert (await desk.http(BO).get(PATH)).status_code == 200


@pytest.mark.desk(rate_trials_per_user=0, rate_failures_per_address=3)
async def test_a_stranger_too_often(desk: Desk) -> None:
    bad = {"Authorization": "Bearer nonsense"}
    answers = [await desk.http().get(PATH, headers=bad) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [401] * 3 + [429] * 2
    is_refusal(answers[-1], name="failures")
    # Who is known comes in, from the same address; and nobody talks themselves into another one.
    assert (await desk.http(BO).get(PATH)).status_code == 200
    elsewhere = bad | {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
    assert (await desk.http().get(PATH, headers=elsewhere)).status_code == 429


@pytest.mark.desk(rate_trials_per_user=1)
async def test_too_many_trials(desk: Desk) -> None:
    desk.mail_matters = False
    assert (await desk.http(BO).post("/me/test-notification")).status_code in (200, 202)
    is_refusal(await desk.http(BO).post("/me/test-notification"), name="test-notifications")
    assert (await desk.http(CHEN).post("/me/test-notification")).status_code in (200, 202)


@pytest.mark.desk(rate_requests_per_user=0)
async def test_no_limit(desk: Desk) -> None:
    answers = [(await desk.http(VERA).get(PATH)).status_code for _ in range(30)]
    assert set(answers) == {200}


@pytest.mark.alone
async def test_the_usual_limits_are_in_nobodys_way(desk: Desk) -> None:
    found = await asyncio.gather(
        *(desk.http(VERA).get(PATH, params={"limit": 1}) for _ in range(300))
    )
    assert Counter(answer.status_code for answer in found) == {200: 300}


# The counts themselves.


@pytest.fixture
async def settings(front_desk: Desk) -> Any:
    """The settings of a desk, to be changed."""
    return front_desk.settings


@asynccontextmanager
async def counting(settings: Any, **changes: Any) -> AsyncIterator[RateLimits]:
    changed = settings.model_copy(update=changes)
    redis = live.new_client(changed)
    try:
        yield RateLimits(changed, redis)
    finally:
        await redis.aclose()


async def test_processes_count_together(settings: Any) -> None:
    caller = somebody()
    async with (
        counting(settings, rate_requests_per_user=10) as one,
        counting(settings, rate_requests_per_user=10) as other,
    ):
        found = [await refused(limits, caller) for limits in (one, other) * 6]
    assert found == [False] * 10 + [True] * 2


async def test_a_burst_is_counted_exactly(settings: Any) -> None:
    caller = somebody()
    async with counting(settings, rate_requests_per_user=1000) as limits:
        found = await asyncio.gather(*(refused(limits, caller) for _ in range(1200)))
    assert found.count(False) == 1000


class _Silence:
    """A Redis that takes connections and never says a word."""

    async def __aenter__(self) -> str:
        self._server = await asyncio.start_server(self._hear, "127.0.0.1", 0)
        return f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.read(4096):
                pass
        finally:
            writer.close()

    async def __aexit__(self, *_: object) -> None:
        self._server.close()


async def test_a_dead_redis_keeps_nobody_waiting(settings: Any) -> None:
    async with _Silence() as silent:
        for url in ("redis://127.0.0.1:1", silent):
            caller, other = somebody(), somebody()
            async with counting(
                settings,
                redis_url=type(settings.redis_url)(url),
                rate_requests_per_user=10,
            ) as limits:
                began = time.monotonic()
                found = [await refused(limits, caller) for _ in range(12)]
                assert found == [False] * 10 + [True] * 2
                assert not await refused(limits, other)
                # Once 50 ms, for all of them together; the rest is this machine's.
                assert time.monotonic() - began < 0.5


async def test_redis_is_asked_again(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.http.rate_limits.ALONE_FOR", 0.0)
    caller = somebody()
    async with (
        counting(settings, rate_requests_per_user=4) as one,
        counting(settings, rate_requests_per_user=4) as other,
    ):
        with monkeypatch.context() as hurried:
            hurried.setattr("api.http.rate_limits.WITHIN", 0.0)
            assert not await refused(one, caller)
        # What was counted alone is forgotten; from here on they count together again.
        found = [await refused(limits, caller) for limits in (one, other) * 3]
    assert found == [False] * 4 + [True] * 2
