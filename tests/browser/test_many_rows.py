"""Five hundred rows and more: what arrives and what changes never holds up whoever looks."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from playwright.async_api import Page, expect
from sqlalchemy import text

from handoff.rules.policy import default_policy, policy_to_json
from tests.browser.conftest import Sit
from tests.support.cast import ACME, AMIR, BO, CHEN, NETWORK
from tests.support.desk import Desk

BLOCKED_AT_MOST = 50
"""Milliseconds of one task of the page's main thread, as it has worked at it: what other processes
of a busy machine take away from it is not the page's."""

# Rows without workflows, that nobody looks after: their deadlines are days away.
_SESSIONS = """
INSERT INTO sessions (id, account_id, title, holder_id, status, team_id)
SELECT gen_random_uuid(), :account, 'Tunnel ' || at, :bo, 'escalated', :team
FROM generate_series(1, :many) AS at
"""
_HANDOFFS = """
INSERT INTO handoffs (id, account_id, session_id, intent, priority, status, escalator_id,
                      created_at, policy, rounds_total, round, deadline_at, version, seen_version)
SELECT gen_random_uuid(), account_id, id, 'escalate',
       (ARRAY['low', 'normal', 'high'])[1 + (row_number() OVER () % 3)], 'open', holder_id,
       now() - random() * interval '6 days', CAST(:policy AS jsonb), 5, 1,
       now() + interval '6 days', 2, 2
FROM sessions WHERE account_id = :account AND title LIKE 'Tunnel %'
"""


async def _open(desk: Desk, many: int) -> None:
    policy = json.dumps(policy_to_json(default_policy(timedelta(minutes=15), 5)))
    async with desk.database.engine_room() as connection:
        told = {"account": ACME, "bo": BO.id, "team": NETWORK, "many": many, "policy": policy}
        for statement in (_SESSIONS, _HANDOFFS, "ANALYZE handoffs, sessions"):
            named = text(statement)
            values = {name: told[name] for name in named.compile().params}
            await connection.execute(named, values)


@asynccontextmanager
async def _watched(page: Page) -> AsyncIterator[list[float]]:
    """How long each task of the main thread has worked, in milliseconds, once the block ends."""
    watch = await page.context.new_cdp_session(page)
    pieces: list[dict[str, Any]] = []
    complete = asyncio.Event()
    watch.on("Tracing.dataCollected", lambda told: pieces.extend(told["value"]))
    watch.on("Tracing.tracingComplete", lambda _: complete.set())
    await watch.send("Tracing.start", {"categories": "toplevel,devtools.timeline"})
    worked: list[float] = []
    yield worked
    await watch.send("Tracing.end")
    await asyncio.wait_for(complete.wait(), 15)
    main = {_thread(piece) for piece in pieces if piece["name"] == "UpdateLayoutTree"}
    assert main, "nothing was drawn"
    worked += [
        piece["tdur"] / 1000 for piece in pieces if "tdur" in piece and _thread(piece) in main
    ]


def _thread(piece: dict[str, Any]) -> tuple[int, int]:
    return piece["pid"], piece["tid"]


async def test_five_hundred_arrive_and_one_changes(desk: Desk, sit: Sit) -> None:
    amir = await sit(AMIR)
    page = amir.page
    await amir.until_live()
    await expect(page.get_by_text("All calm")).to_be_visible()
    async with _watched(page) as arrived:
        await _open(desk, 499)
        last = await desk.escalate(BO, title="The last one", priority="urgent")
        await expect(page.locator("#rows > .row")).to_have_count(500)
    async with _watched(page) as changed:
        assert (await desk.claim(CHEN, last)).status_code == 200
        await expect(amir.row(last)).to_contain_text("Claimed by Chen")
    assert max(arrived) <= BLOCKED_AT_MOST
    assert max(changed) <= BLOCKED_AT_MOST
    amir.must_be_quiet()


async def test_of_five_thousand_five_hundred_at_a_time_are_shown_and_stay_usable(
    desk: Desk, sit: Sit
) -> None:
    await _open(desk, 5000)
    urgent = await desk.escalate(BO, title="The last one", priority="urgent")
    amir = await sit(AMIR)
    page = amir.page
    await amir.until_live()
    await expect(page.locator("#rows > .row")).to_have_count(500)
    parts = page.get_by_role("navigation", name="Parts of the list")
    await expect(parts).to_contain_text("1 to 500 of 5,001")
    await expect(page.locator("[data-tab=waiting] .count")).to_have_text("5001")
    async with _watched(page) as worked:
        await page.keyboard.press("j")
        await page.keyboard.press("c")
        await expect(amir.row(urgent)).to_contain_text("Yours")
        await page.keyboard.press("a")
        await expect(page.locator("#picked")).to_contain_text("500 selected")
        await page.keyboard.press("Escape")
    assert max(worked) <= BLOCKED_AT_MOST
    # What lies beyond is reached, and looked through.
    await parts.get_by_role("link", name="Show the next").click()
    await expect(parts).to_contain_text("501 to 1,000 of 5,000")
    for words, many in (("tunnel 4999", 1), ("bo tunnel 1234 net", 1), ("tunnel 499", 15)):
        await page.locator("#search").fill(words)
        await expect(page.locator("#rows > .row:visible")).to_have_count(many)
    assert "page=" not in page.url
    await page.goto("/?page=1000&group=priority")
    await expect(parts).to_contain_text("4,501 to 5,000 of 5,000")
    await parts.get_by_role("link", name="Those before").click()
    await expect(parts).to_contain_text("4,001 to 4,500")
    amir.must_be_quiet()
