"""Five hundred rows and more: what arrives and what changes never holds up whoever looks."""

import json
import re
from datetime import timedelta
from typing import Any

from playwright.async_api import expect
from sqlalchemy import text

from handoff.rules.policy import default_policy, policy_to_json
from tests.browser.conftest import Sit
from tests.support.cast import ACME, AMIR, BO, CHEN, NETWORK
from tests.support.desk import Desk

COUNT = """
window.drawn = { came: 0, went: 0 };
const count = (nodes) => Array.from(nodes).filter((node) => node.matches?.(".row")).length;
new MutationObserver((all) => all.forEach(({ addedNodes, removedNodes }) => {
  window.drawn.came += count(addedNodes);
  window.drawn.went += count(removedNodes);
})).observe(document.getElementById("rows"), { childList: true });
"""
"""How many rows are put into the list and taken out of it. How long that takes is measured by
`python -m bench page`."""

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


async def test_five_hundred_arrive_and_one_changes(desk: Desk, sit: Sit) -> None:
    amir = await sit(AMIR)
    page = amir.page
    await amir.until_live()
    await expect(page.get_by_text("All calm")).to_be_visible()
    await page.evaluate(COUNT)
    await _open(desk, 499)
    last = await desk.escalate(BO, title="The last one", priority="urgent")
    await expect(page.locator("#rows > .row")).to_have_count(500)
    await expect(amir.row(last)).to_contain_text("Round 1 of 5")
    drawn = await page.evaluate("window.drawn")
    # The one that has changed since then aside, each is put there once.
    assert drawn["came"] <= 502
    assert (await desk.claim(CHEN, last)).status_code == 200
    await expect(amir.row(last)).to_contain_text("Claimed by Chen")
    after = await page.evaluate("window.drawn")
    assert after["came"] - drawn["came"] <= 2
    assert after["went"] - drawn["went"] <= 2
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
    await page.keyboard.press("j")
    await page.keyboard.press("c")
    await expect(amir.row(urgent)).to_contain_text("Yours")
    await page.keyboard.press("a")
    await expect(page.locator("#picked")).to_contain_text("500 selected")
    await page.keyboard.press("Escape")
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


async def test_what_only_stands_on_another_page_has_not_left(desk: Desk) -> None:
    await _open(desk, 600)
    closed = await desk.escalate(BO, title="The last one", priority="urgent")
    await desk.command(BO, closed, "cancel")

    async def shown(**asked: Any) -> str:
        params: dict[str, Any] = {"scope": "account", **asked}
        answer = await desk.http(AMIR).get("/console/board", params=params)
        assert answer.status_code == 200
        return answer.text

    [moved, *_] = re.findall(r'<li class="row[^>]*data-key="([^"]+)"', await shown())
    kept = {"page": 2, "keep": [moved, str(closed.id)]}
    second = await shown(**kept)
    assert moved not in second
    assert second.count(" gone") == 1
    # Unless somebody has to do with it: then it stays, and as what it is.
    second = await shown(**kept, held=1)
    assert moved in second
    assert second.count(" gone") == 1
    assert "501 to 600 of 600" in second
    # Of what is looked for there may be fewer pages.
    assert "Tunnel 599" in await shown(page=2, q="tunnel 599")
