"""A storm of streams and of huge reads is one account's own: another one's people go on working."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import httpx
import pytest

from tests.faults.test_live_api import api, free_port
from tests.support import history
from tests.support.cast import ACME, AMIR, BO, CHEN, GINA, HUGO, OLIVE, Member
from tests.support.desk import PLAIN, Desk

ROWS = 40_000
EVENTS = 2_000
STREAMS = 50
"""As many as one person may hold."""

READERS = 20
"""Requests of each kind that wait at the same time."""

HEAVY: tuple[tuple[str, dict[str, str]], ...] = (
    ("/analytics/escalations", {}),
    ("/analytics/escalations", {"Accept": "text/csv"}),
    ("/ai-sessions/queue?status=resolved&status=open&scope=account&limit=200", {}),
    ("/ai-sessions/queue?status=resolved&mine=true&limit=200", {}),
)

WITHIN = 20
"""Seconds for which a client waits for an answer."""


async def _years_of_work(desk: Desk) -> None:
    parked = await desk.park(BO)
    await history.write(desk, parked, EVENTS, ring=False)
    for statement in (
        f"INSERT INTO sessions (id, account_id, title, holder_id, status)"
        f" SELECT gen_random_uuid(), '{ACME}', 'VPN ' || n, '{BO.id}', 'closed'"
        f" FROM generate_series(1, {ROWS}) AS n",
        f"INSERT INTO handoffs (id, account_id, session_id, intent, priority, status,"
        f" engineer_notes, escalator_id, created_at, policy, rounds_total, outcome, resolved_at,"
        f" seen_version)"
        f" SELECT gen_random_uuid(), account_id, id, 'escalate', 'high', 'resolved',"
        f" repeat('It drops. ', 50), '{BO.id}', now() - random() * interval '25 days',"
        f" policy, 5, 'fixed', now(), 1 FROM sessions JOIN (SELECT policy FROM handoffs) ON true"
        f" WHERE status = 'closed'",
        "ANALYZE",
    ):
        await history.sql(desk, statement)


@asynccontextmanager
async def _all_along(*storms: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Each is done again and again for as long as the block lasts."""

    async def again(storm: Callable[[], Awaitable[None]]) -> None:
        while True:
            with suppress(httpx.HTTPError):
                await storm()

    raging = [asyncio.create_task(again(storm)) for storm in storms]
    try:
        yield
    finally:
        for task in raging:
            task.cancel()
        await asyncio.gather(*raging, return_exceptions=True)


@dataclass
class Heard:
    """What the storm's own requests were answered: by path, status, and whether it says when to
    come back."""

    answers: Counter[tuple[str, int, bool]] = field(default_factory=Counter)

    def stream(self, http: httpx.AsyncClient) -> Callable[[], Awaitable[None]]:
        async def opened() -> None:
            async with http.stream("GET", "/events", headers={"Last-Event-ID": "1"}) as answer:
                self._hear("/events", answer)
                async for _ in answer.aiter_bytes():
                    return

        return opened

    def read(
        self, http: httpx.AsyncClient, path: str, headers: dict[str, str]
    ) -> Callable[[], Awaitable[None]]:
        async def answered() -> None:
            self._hear(path, await http.get(path, headers=headers))

        return answered

    def _hear(self, path: str, answer: httpx.Response) -> None:
        self.answers[path, answer.status_code, "retry-after" in answer.headers] += 1


@pytest.mark.alone
@pytest.mark.timeout(240)
async def test_a_storm_of_streams_and_reads_refuses_nobody_of_another_account(desk: Desk) -> None:
    desk.mail_matters = False
    await _years_of_work(desk)
    port, heard = free_port(), Heard()

    def client(who: Member) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}",
            headers={"Authorization": f"Bearer {desk.token(who)}"},
            timeout=WITHIN,
            trust_env=False,
            verify=PLAIN,
            limits=httpx.Limits(max_connections=None),
        )

    async with (
        api(desk, port),
        client(AMIR) as amir,
        client(CHEN) as chen,
        client(OLIVE) as olive,
        client(HUGO) as hugo,
        client(GINA) as gina,
    ):
        storms = [heard.stream(http) for http in (amir, chen) for _ in range(STREAMS + 5)]
        storms += [heard.read(olive, *heavy) for heavy in HEAVY for _ in range(READERS)]
        async with _all_along(*storms):
            for _ in range(3):
                session = await hugo.post("/ai-sessions", json={"title": "Globex"})
                assert session.status_code == 201, session.text
                path = f"/ai-sessions/{session.json()['id']}/handoff"
                made = await hugo.post(path, json={"intent": "escalate"})
                assert made.status_code == 201, made.text
                claimed = await gina.post(f"{made.headers['Location']}/claim")
                assert claimed.status_code == 200, claimed.text
                assert (await gina.get("/ai-sessions/queue")).status_code == 200
    assert {path for path, _, _ in heard.answers} == {"/events", *(path for path, _ in HEAVY)}
    for path, status, says_when in heard.answers:
        assert status == 200 or (status in (429, 503) and says_when), (path, status)
