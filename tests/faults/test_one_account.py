"""One account's trouble is its own: what it holds up, nobody of another one waits for."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from time import monotonic

import httpx
import pytest

from tests.faults.test_done_once import locked
from tests.support.cast import AMIR, BO, CHEN, GINA, HUGO, OLIVE
from tests.support.desk import Desk

ACCOUNT = "SELECT 1 FROM accounts WHERE id = :id FOR UPDATE"


async def _time(asked: list[float], what: Awaitable[httpx.Response]) -> httpx.Response:
    began = monotonic()
    answer = await what
    asked.append(monotonic() - began)
    return answer


@pytest.mark.alone
@pytest.mark.timeout(120)
@pytest.mark.expects_errors
async def test_a_locked_account_holds_up_nobody_else(desk: Desk) -> None:
    desk.mail_matters = False
    sessions = [await desk.start_session(BO) for _ in range(150)]
    open_ones = [await desk.escalate(BO) for _ in range(4)]
    theirs = [await desk.start_session(HUGO) for _ in range(12)]
    took: list[float] = []
    statuses: Counter[tuple[str, int]] = Counter()
    async with locked(desk, ACCOUNT, id=BO.account_id):
        stuck = [asyncio.create_task(desk.hand_off(one)) for one in sessions]
        stuck += [
            asyncio.create_task(desk.claim(who, handoff))
            for handoff in open_ones
            for who in (AMIR, CHEN, OLIVE) * 4
        ]
        for session_id in theirs:
            await asyncio.sleep(0.4)
            made = await _time(took, desk.hand_off(session_id, HUGO))
            statuses["create", made.status_code] += 1
            queue = await _time(took, desk.http(GINA).get("/ai-sessions/queue"))
            statuses["queue", queue.status_code] += 1
    answers = await asyncio.gather(*stuck)
    untouched: list[str] = []
    assert statuses == {("create", 201): 12, ("queue", 200): 12}, (statuses, max(took))
    assert max(took) < 3, took
    for answer in answers:
        assert answer.status_code in (200, 201, 202, 409, 503), answer.text
        if answer.status_code == 503:
            assert answer.headers["Retry-After"]
            if answer.json()["type"] != "/problems/outcome-unknown":
                assert "Nothing was changed" in answer.json()["detail"]
                path = answer.request.url.path.removesuffix("/handoff")
                if path != answer.request.url.path:
                    untouched.append(path)
    # What was accepted is recorded once the lock is gone.
    for answer in answers:
        if answer.status_code == 202:
            path = answer.headers["Location"]

            async def recorded(path: str = path) -> bool:
                return (await desk.http(BO).get(path)).status_code == 200

            await desk.until(recorded, within=60)
    # And what was said to be unchanged, is.
    for path in untouched:
        assert (await desk.http(BO).get(f"{path}/handoffs")).json() == []


@pytest.mark.expects_errors
async def test_whoever_waits_for_a_lock_is_told_to_come_back(desk: Desk) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate()
    await desk.until_told(handoff)
    async with locked(desk, ACCOUNT, id=BO.account_id):
        began = monotonic()
        answer = await desk.claim(CHEN, handoff)
        took = monotonic() - began
    assert (answer.status_code, took < 5) == (503, True)
    assert answer.headers["Retry-After"]
    assert (await desk.claim(CHEN, handoff)).status_code == 200
