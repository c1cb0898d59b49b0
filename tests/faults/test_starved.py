"""Every part starved for the processor: slow, but no wrong answer, and exactly one claimer."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.support.cast import AMIR, BO, CHEN, OLIVE
from tests.support.desk import Desk, open_desk
from tests.support.mortal_workers import mortal_worker
from tests.support.servers import Servers
from tests.support.staff import hire

HUNGRY = 20
AT_MOST = 30.0
"""Seconds after which they end by themselves, whatever becomes of the test."""

CROWD = 100
"""Whom each call of the burst is for."""

BURST = 4
CLAIMED = 2


@asynccontextmanager
async def others_at_work() -> AsyncIterator[None]:
    """So many processes that want all of the processor."""
    code = f"import time\nend = time.monotonic() + {AT_MOST}\nwhile time.monotonic() < end: pass"
    hungry = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", code) for _ in range(HUNGRY)
    ]
    try:
        yield
    finally:
        for one in hungry:
            if one.returncode is None:
                one.kill()
            await one.wait()


@pytest.fixture
async def desk(servers: Servers, database_url: str, temporal: Any) -> AsyncIterator[Desk]:
    """Its mails leave from a process of their own, as in production."""
    async with open_desk(
        database_url=database_url,
        redis_url=servers.redis_url,
        temporal=temporal,
        worker=False,
        workflow_slots=20,
    ) as opened:
        opened.mail_matters = False
        async with mortal_worker(opened.settings):
            yield opened


@pytest.mark.alone
@pytest.mark.timeout(150)
@pytest.mark.expects_errors
async def test_claims_are_answered_while_mails_leave_and_nobody_is_wrong(desk: Desk) -> None:
    await hire(desk, CROWD)
    for _ in range(BURST):
        assert await _handed_off(desk) is not None
    await desk.until(lambda: _left(desk), every=0.001)
    async with others_at_work():
        for _ in range(CLAIMED):
            if (path := await _handed_off(desk)) is not None:
                await _claimed_by_one(desk, path)
                assert (await desk.http(CHEN).get("/ai-sessions/queue")).status_code == 200
        # All of this came before the burst was over.
        assert len(desk.postbox.mails) < BURST * CROWD


async def _left(desk: Desk) -> bool:
    return len(desk.postbox.mails) > 0


async def _handed_off(desk: Desk) -> str | None:
    """Where it stands, if it was not refused for now."""
    session = await desk.http(BO).post("/ai-sessions", json={"title": "VPN drops"})
    if not _is_right(session, 201):
        return None
    made = await desk.hand_off(UUID(session.json()["id"]), priority="urgent")
    return made.headers["Location"] if _is_right(made, 201, 202) else None


async def _claimed_by_one(desk: Desk, path: str) -> None:
    """Three people claim it, each several times at once."""
    claims = await asyncio.gather(
        *(desk.http(who).post(f"{path}/claim") for who in (AMIR, CHEN, OLIVE) * 4)
    )
    known = [claim.json() for claim in claims if _is_right(claim, 200, 409)]
    assert known, "nobody was answered"
    assert len({answer["claimed_by"]["id"] for answer in known}) == 1


def _is_right(answer: httpx.Response, *statuses: int) -> bool:
    """Whether it is one of these; else it must be a no for now that says until when."""
    if answer.status_code in statuses:
        return True
    assert answer.status_code in (429, 503), answer.text
    assert answer.headers["Retry-After"]
    return False
