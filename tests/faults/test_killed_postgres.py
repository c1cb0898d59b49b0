"""PostgreSQL's postmaster is killed again and again under load, or gives out no more connections:
every answer is one, or says when to come back. The loss of a connection is no bug of ours."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import httpx
import pytest
from sqlalchemy.exc import SQLAlchemyError

from tests.support.cast import AMIR, BO, CHEN, GINA, OLIVE
from tests.support.desk import Desk
from tests.support.servers import Servers

TIMES = 8

pytestmark = pytest.mark.expects_errors


@pytest.fixture
def postgres(servers: Servers) -> Iterator[Servers]:
    """It runs again afterwards, whatever a test has done to it."""
    yield servers
    if not servers.postgres.runs:
        servers.postgres.start()


async def _is_back(desk: Desk) -> bool:
    try:
        await desk.database.ping()
    except (SQLAlchemyError, OSError):
        return False
    return True


@pytest.mark.alone
@pytest.mark.timeout(180)
async def test_no_answer_is_a_500(desk: Desk, postgres: Servers) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate()
    answers: Counter[int] = Counter()
    wrong: list[str] = []
    over = asyncio.Event()

    async def ask(what: Callable[[], Awaitable[httpx.Response]]) -> None:
        while not over.is_set():
            answer = await what()
            answers[answer.status_code] += 1
            late = answer.status_code == 503 and not answer.headers.get("Retry-After")
            if answer.status_code == 500 or late:
                wrong.append(f"{answer.request.url} {answer.text}")
            await asyncio.sleep(0.005)

    acts: list[Callable[[], Awaitable[httpx.Response]]] = [
        lambda: desk.http(AMIR).get("/ai-sessions/queue"),
        lambda: desk.http(GINA).get("/me"),
        lambda: desk.http(BO).get(handoff.path),
        lambda: desk.claim(CHEN, handoff),
        lambda: desk.command(CHEN, handoff, "release", {}),
        lambda: desk.http(BO).post("/ai-sessions", json={"title": "VPN"}),
        lambda: desk.http(OLIVE).get("/directory/users"),
        lambda: desk.http(AMIR).get("/analytics/escalations"),
    ]
    asking = [asyncio.create_task(ask(act)) for act in acts * 3]
    for _ in range(TIMES):
        await asyncio.sleep(0.6)
        postgres.postgres.kill()
        await asyncio.to_thread(postgres.postgres.start)
        await desk.until(lambda: _is_back(desk))
    over.set()
    await asyncio.gather(*asking)
    assert not wrong, (answers, wrong[:3])
    assert answers[503]
    assert answers[200]


async def test_a_pool_that_is_empty_is_no_bug(desk: Desk) -> None:
    desk.mail_matters = False
    assert desk.services is not None
    async with AsyncExitStack() as held:
        for _ in range(20):
            await held.enter_async_context(desk.services.database.engine_room())
        answer = await desk.http(AMIR).get("/ai-sessions/queue")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert (await desk.http(AMIR).get("/ai-sessions/queue")).status_code == 200
