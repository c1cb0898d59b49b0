"""Nothing without a bound: long histories, many large rows, readers that do not read, calls in a
loop."""

import asyncio
import time
import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from api.http import connections
from handoff.database import pages
from tests.support import history, raw
from tests.support.cast import AMIR, BO, CHEN, OLIVE
from tests.support.desk import Desk, Handoff

NOTES = "Rekey fails. " * 1_200
CONTEXT = {"log": "x" * 30_000}
TEXTS = {"engineer_notes": NOTES, "context": CONTEXT}


@pytest.fixture(autouse=True)
def _mail_is_not_the_subject(desk: Desk) -> None:
    desk.mail_matters = False


async def snoozed(desk: Desk, times: int, **body: Any) -> Handoff:
    handoff = await desk.escalate(**body)
    await desk.until_handoff(handoff, round=1)
    for number in range(times):
        until = (datetime.now(UTC) + timedelta(minutes=10, seconds=number)).isoformat()
        assert (await desk.command(CHEN, handoff, "snooze", {"until": until})).status_code == 200
    return handoff


async def pages_of(http: httpx.AsyncClient, path: str, **query: Any) -> list[list[dict[str, Any]]]:
    """Every page, by the links alone."""
    found, answer = [], await http.get(path, params=query)
    while True:
        assert answer.status_code == 200, answer.text
        found.append(answer.json())
        if "next" not in answer.links:
            return found
        answer = await http.get(answer.links["next"]["url"])


async def test_a_long_history_has_its_texts_once(desk: Desk) -> None:
    handoff = await snoozed(desk, 200, **TEXTS)
    path = f"{handoff.path}/events"
    tracemalloc.start()
    answers = await asyncio.gather(*(desk.http(BO).get(path) for _ in range(4)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert max(len(answer.content) for answer in answers) < 512 * 1024
    assert peak < 64 * 1024 * 1024, peak
    found = [one for page in await pages_of(desk.http(BO), path) for one in page]
    numbers = [int(one["id"]) for one in found]
    assert numbers == sorted(set(numbers))
    assert [one["type"] for one in found].count("handoff.snoozed") == 200
    first, *others = found
    assert first["type"] == "handoff.created"
    assert (first["data"]["engineer_notes"], first["data"]["context"]) == (NOTES, CONTEXT)
    # The shape stays: the names are there.
    assert {one["data"]["engineer_notes"] for one in others} == {None}
    assert all(one["data"]["context"] is None for one in others)


async def test_a_history_comes_page_by_page(desk: Desk) -> None:
    handoff = await snoozed(desk, 5)
    path = f"{handoff.path}/events"
    whole = (await desk.http(BO).get(path)).json()
    found = await pages_of(desk.http(BO), path, limit=3)
    assert [len(page) for page in found[:-1]] == [3] * (len(found) - 1)
    assert [one for page in found for one in page] == whole
    for wrong in ({"limit": 201}, {"limit": 0}, {"cursor": "x"}, {"cursor": -1}):
        assert (await desk.http(BO).get(path, params=wrong)).status_code == 422


async def test_a_stream_still_brings_the_texts_with_each_event(desk: Desk) -> None:
    handoff = await snoozed(desk, 3, **TEXTS)
    async with desk.listen(AMIR, "0") as amir:
        await amir.hear("snoozed")
        for frame in amir.frames:
            assert frame.data["data"]["engineer_notes"] == NOTES
    assert (await desk.see(handoff))["engineer_notes"] == NOTES


async def test_the_page_of_a_long_history_shows_its_end(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.console.handoff.story.MOST", 10)
    handoff = await snoozed(desk, 15, **TEXTS)
    page = await desk.http(BO).get(f"/handoffs/{handoff.id}")
    assert page.status_code == 200
    assert page.text.count('data-key="moment-') <= 10
    assert "Only the newest events" in page.text


async def test_the_ledger_comes_page_by_page(desk: Desk) -> None:
    handoff = await desk.escalate()
    await desk.until_handoff(handoff, round=1)
    await desk.until_told(handoff)
    path = f"{handoff.path}/deliveries"
    whole = await desk.deliveries(handoff)
    assert len(whole) == 6
    for limit in (1, 2, 5, 6):
        found = await pages_of(desk.http(BO), path, limit=limit)
        assert [one for page in found for one in page] == whole
        assert max(map(len, found)) <= limit
    for wrong in ("AAAA", "%00", "W10=", "WzEsMiwzLDRd"):
        assert (await desk.http(BO).get(f"{path}?cursor={wrong}")).status_code == 422


async def test_a_sessions_handoffs_come_page_by_page(desk: Desk) -> None:
    session_id = await desk.start_session()
    made = []
    for _ in range(5):
        answer = await desk.hand_off(session_id, intent="park")
        assert answer.status_code == 201, answer.text
        made.append(answer.json()["id"])
        handoff = Handoff(answer.json()["id"], session_id, BO)
        assert (await desk.command(BO, handoff, "cancel", {})).status_code == 200
    found = await pages_of(desk.http(BO), f"/ai-sessions/{session_id}/handoffs", limit=2)
    assert [len(page) for page in found] == [2, 2, 1]
    assert [one["id"] for page in found for one in page] == made[::-1]


@pytest.mark.parametrize("path", ["/ai-sessions", "/ai-sessions/queue?scope=account"])
async def test_a_page_of_large_rows_ends_early(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(pages, "CHARACTERS", 100_000)
    for _ in range(8):
        session_id = await desk.start_session(context=CONTEXT)
        await desk.hand_off(session_id, intent="park", context=CONTEXT)
    found = await pages_of(desk.http(BO), path, limit=8)
    assert sum(map(len, found)) == 8
    assert len({one["id"] for page in found for one in page}) == 8
    assert max(map(len, found)) <= 4


async def test_a_feed_reads_no_more_than_it_keeps(desk: Desk) -> None:
    assert desk.services is not None
    handoff = await desk.park(BO, **TEXTS)
    written = await history.write(desk, handoff, 100, size=40_000, ring=False)
    found, more = await desk.services.hub.history(BO.account_id, 0, limit=100, characters=200_000)
    assert more
    assert sum(len(one.text) for one in found) < 300_000
    async with desk.listen(AMIR, "0") as amir:
        await amir.hear_number(written[-1], within=30)
        assert amir.numbers == list(range(1, written[-1] + 1))


# Readers that do not read.


async def _many_escalations(desk: Desk, count: int) -> None:
    handoff = await desk.park(BO)
    async with desk.database.engine_room() as connection:
        for statement in (
            "CREATE TEMP TABLE mould ON COMMIT DROP AS"
            f" SELECT * FROM handoffs WHERE id = '{handoff.id}'",
            "UPDATE mould SET intent = 'escalate', status = 'cancelled'",
        ):
            await connection.execute(text(statement))
        columns = await connection.scalars(
            text(
                "SELECT column_name FROM information_schema.columns"
                " WHERE table_name = 'handoffs' AND is_generated = 'NEVER'"
                " AND table_schema = 'public' AND column_name <> 'id'"
            )
        )
        names = ", ".join(columns.all())
        await connection.execute(
            text(
                f"INSERT INTO handoffs (id, {names}) SELECT gen_random_uuid(), {names}"
                f" FROM mould, generate_series(1, {count})"
            )
        )


async def test_an_export_that_nobody_reads_is_cut_off(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "SLOW", 0.5)
    await _many_escalations(desk, 40_000)
    headers = {"Authorization": f"Bearer {desk.token(BO)}", "Accept": "text/csv"}
    whole = await desk.http(BO).get("/analytics/escalations", headers={"Accept": "text/csv"})
    assert whole.text.count("\r\n") == 40_001
    open_before = desk.connections
    async with raw.requested(desk.base_url, "/analytics/escalations", headers) as lazy:
        await desk.until(lambda: _are_open(desk, open_before + 1))
        await desk.until(lambda: _are_open(desk, open_before))
        # The connection has ended, although most of it was never sent.
        assert await raw.read_to_end(lazy) < len(whole.content) / 2


async def _are_open(desk: Desk, count: int) -> bool:
    return desk.connections == count


# Calls.


@pytest.mark.desk(rate_calls_per_user=5)
async def test_a_loop_of_claims_and_releases_calls_few_people(desk: Desk) -> None:
    handoff = await desk.escalate()
    await desk.until_handoff(handoff, round=1)
    began, released = time.monotonic(), []
    for _ in range(40):
        await desk.claim(AMIR, handoff)
        released.append(await desk.command(AMIR, handoff, "release", {}))
    assert [answer.status_code for answer in released].count(200) == 5
    refused = released[-1]
    assert refused.status_code == 429
    assert refused.json()["limit"] == {"name": "calls", "amount": 5, "seconds": 60}
    await desk.until_told(handoff)
    # One round and one claim for each release, and the first and the last of them.
    assert len(desk.postbox.mails) <= (5 + 1) * 6, time.monotonic() - began
    # It is one limit for all that calls people, and nothing else is concerned.
    given = {"to": str(CHEN.id)}
    assert (await desk.command(AMIR, handoff, "transfer", given)).status_code == 429
    resolved = await desk.command(AMIR, handoff, "resolve", {"outcome": "fixed"})
    assert resolved.status_code == 200
    other = await desk.escalate()
    await desk.claim(OLIVE, other)
    assert (await desk.command(OLIVE, other, "release", {})).status_code == 200
