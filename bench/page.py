"""The queue in a browser: five hundred rows arrive and one changes, and the page stays at hand."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

from bench.desk import Desk, Engineer, must
from bench.report import Line, Times, milliseconds
from handoff.rules.policy import default_policy, policy_to_json

ROWS = 500
ROUNDS = 5
BLOCKED_AT_MOST = 0.050
"""Seconds of one task of the main thread: what somebody does meanwhile waits no longer."""

ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--no-first-run")

# What browsers say of tasks that take longer than 50 ms; of no others.
_WATCH = """
window.longest = 0;
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration);
}).observe({ type: "longtask" });
"""
_SETTLED = """async () => {
  await new Promise((resume) => setTimeout(resume, 500));
  await new Promise((resume) => requestIdleCallback(resume));
  const { longest } = window;
  window.longest = 0;
  return longest;
}"""
_OPEN = """
WITH made AS (
    INSERT INTO sessions (id, account_id, title, holder_id, status)
    SELECT gen_random_uuid(), $1, 'Tunnel ' || at, $2, 'escalated'
    FROM generate_series(1, $3::int) AS at RETURNING id
)
INSERT INTO handoffs (id, account_id, session_id, intent, priority, status, escalator_id,
                      created_at, policy, rounds_total, round, deadline_at, version, seen_version)
SELECT gen_random_uuid(), $1, id, 'escalate',
       (ARRAY['low', 'normal', 'high'])[1 + (row_number() OVER () % 3)], 'open', $2,
       now() - random() * interval '6 days', $4::jsonb, 5, 1, now() + interval '6 days', 2, 2
FROM made
"""


@dataclass(slots=True)
class Longest:
    """Of the main thread's tasks the longest, in seconds. `worked`: without what other processes
    took of the processor meanwhile. `took`: as the browser tells it; 0 for less than 50 ms."""

    worked: float = 0.0
    took: float = 0.0


async def measure(desk: Desk) -> list[Line]:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        return [Line("the queue in a browser: there is no chromium", "not measured")]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=list(ARGUMENTS))
        rounds = [await _round(desk, browser) for _ in range(ROUNDS)]
        await browser.close()
    arrived, changed = zip(*rounds, strict=True)
    return [
        _line(f"longest task of the page: {ROWS} rows arrive", arrived),
        _line(f"longest task of the page: one of {ROWS} rows changes", changed),
    ]


async def _round(desk: Desk, browser: Browser) -> tuple[Longest, Longest]:
    reader, colleague = await desk.team(2)
    async with _screen(desk, browser, reader) as page:
        async with _watched(page) as came:
            await desk.database.execute(
                _OPEN, reader.account_id, colleague.id, ROWS - 1, _policy(), timeout=60
            )
            [(holder, session_id)] = await desk.sessions([colleague])
            last = await desk.hand_off(holder, session_id, priority="urgent")
            await page.locator("#rows > .row").nth(ROWS - 1).wait_for(state="attached")
        async with _watched(page) as changed:
            path = f"/ai-sessions/{session_id}/handoffs/{last}/claim"
            must(await desk.wire.call("POST", path, reader.token), 200)
            await page.wait_for_selector(f'#rows > [data-key="{last}"].mine')
        return came, changed


@asynccontextmanager
async def _watched(page: Page) -> AsyncIterator[Longest]:
    """Filled in once the block has ended and the page has come to rest."""
    watch = await page.context.new_cdp_session(page)
    pieces: list[dict[str, Any]] = []
    complete = asyncio.Event()
    watch.on("Tracing.dataCollected", lambda told: pieces.extend(told["value"]))
    watch.on("Tracing.tracingComplete", lambda _: complete.set())
    await watch.send("Tracing.start", {"categories": "toplevel,devtools.timeline"})
    longest = Longest()
    yield longest
    longest.took = await page.evaluate(_SETTLED) / 1000
    await watch.send("Tracing.end")
    await asyncio.wait_for(complete.wait(), 30)
    main = {_thread(piece) for piece in pieces if piece["name"] == "UpdateLayoutTree"}
    of_main = [piece for piece in pieces if "tdur" in piece and _thread(piece) in main]
    longest.worked = max(piece["tdur"] for piece in of_main) / 1e6


def _thread(piece: dict[str, Any]) -> tuple[int, int]:
    return piece["pid"], piece["tid"]


@asynccontextmanager
async def _screen(desk: Desk, browser: Browser, reader: Engineer) -> AsyncIterator[Page]:
    """The queue as somebody sees it, live."""
    known: dict[str, Any] = {"Authorization": f"Bearer {reader.token}"}
    context = await browser.new_context(base_url=desk.url, extra_http_headers=known)
    await context.add_init_script(_WATCH)
    page = await context.new_page()
    await page.goto("/")
    await page.wait_for_selector("#live[data-state=live]")
    await page.evaluate(_SETTLED)
    yield page
    await context.close()


def _policy() -> str:
    return json.dumps(policy_to_json(default_policy(timedelta(minutes=15), 5)))


def _line(what: str, rounds: Sequence[Longest]) -> Line:
    worked = Times([one.worked for one in rounds])
    took = Times([one.took for one in rounds]).p50
    blocked = f"blocked {milliseconds(took) if took else 'under 50 ms'}"
    target = f"≤ {milliseconds(BLOCKED_AT_MOST)}"
    return Line(what, f"{worked}; {blocked}", target=target, met=worked.p50 <= BLOCKED_AT_MOST)
