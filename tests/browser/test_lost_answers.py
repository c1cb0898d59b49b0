"""Answers that are late, lost or a refusal: a row says what is known of it, as long as it is so."""

import asyncio

from playwright.async_api import Request, Route, expect

from tests.browser.conftest import Sit
from tests.support.cast import AMIR, BO, CHEN
from tests.support.desk import Desk


async def _try_again_soon(route: Route) -> None:
    await route.fulfill(status=503, json={"detail": "Try again soon."})


async def _carry_out_and_hang_up(route: Route) -> None:
    await route.fetch()
    await route.abort()


async def test_what_is_said_of_a_claim_goes_when_it_is_no_longer_so(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    await desk.until_handoff(handoff, round=1)
    amir = await sit(AMIR)
    await amir.until_live()
    await amir.page.route("**/claim", _try_again_soon)
    await amir.claim(handoff)
    note = amir.row(handoff).get_by_role("alert")
    await expect(note).to_have_text("Try again soon.")
    await desk.claim(CHEN, handoff)
    await expect(amir.row(handoff)).to_contain_text("Claimed by Chen")
    await expect(note).to_be_hidden()


async def test_only_what_is_read_after_a_lost_answer_tells_what_became_of_a_claim(
    desk: Desk, sit: Sit
) -> None:
    handoff = await desk.escalate(BO, title="First", priority="urgent")
    amir = await sit(AMIR)
    await amir.until_live()
    asked, may_come = [asyncio.Event(), asyncio.Event()], [asyncio.Event(), asyncio.Event()]
    readings = iter(zip(asked, may_come, strict=True))

    async def comes_late(route: Route) -> None:
        answer = await route.fetch()
        if reading := next(readings, None):
            is_asked, may = reading
            is_asked.set()
            await may.wait()
        await route.fulfill(response=answer)

    await amir.page.route("**/console/board?*", comes_late)
    await amir.page.route("**/claim", _carry_out_and_hang_up)
    await desk.escalate(BO, title="Rings the bell")
    await asked[0].wait()
    await amir.claim(handoff)
    note = amir.row(handoff).get_by_role("alert")
    await expect(note).to_contain_text("There was no answer")
    # What was read before says that it can be claimed, which is no longer so.
    may_come[0].set()
    await asked[1].wait()
    await expect(note).to_contain_text("There was no answer")
    may_come[1].set()
    await expect(amir.row(handoff)).to_contain_text("Yours")
    await expect(note).to_be_hidden()


async def test_an_undo_that_could_not_be_done_can_be_pressed_again(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    amir = await sit(AMIR)
    await amir.until_live()
    await amir.claim(handoff)
    await amir.page.route("**/release", _try_again_soon)
    undo = amir.row(handoff).get_by_role("button", name="Undo")
    await undo.click()
    await expect(amir.row(handoff).get_by_role("alert")).to_have_text("Try again soon.")
    await amir.page.unroute("**/release")
    await undo.click()
    await desk.until_handoff(handoff, status="open")
    await expect(undo).to_have_count(0)


async def test_what_many_were_asked_without_an_answer_is_found_out(desk: Desk, sit: Sit) -> None:
    first, second = [await desk.escalate(BO, title=title) for title in ("First", "Second")]
    amir = await sit(AMIR)
    await amir.until_live()
    bar = amir.page.locator("#picked")
    bulk = "**/handoffs/bulk"
    await amir.page.route(bulk, lambda route: route.abort())
    await amir.row(first).get_by_role("checkbox").click()
    await bar.get_by_role("button", name="Claim").click()
    await expect(amir.row(first).locator(".note")).to_have_text("It is not claimed. Try again.")
    await expect(bar).to_contain_text("1 selected")
    await amir.row(second).get_by_role("checkbox").click()
    await amir.page.unroute(bulk)
    await amir.page.route(bulk, _carry_out_and_hang_up)
    await bar.get_by_role("button", name="Claim").click()
    for one in (first, second):
        await expect(amir.row(one)).to_contain_text("Yours")
        await expect(amir.row(one).locator(".note")).to_be_hidden()
    await expect(bar).to_be_hidden()


SLOW = {"offline": False, "latency": 3000, "downloadThroughput": -1, "uploadThroughput": -1}

WATCH = """
window.said = new Set(); window.places = new Set();
(function look() {
  const rows = document.querySelectorAll("#rows > .row");
  window.said.add(rows[0].querySelector(".note:not([hidden])")?.textContent ?? "");
  window.places.add(rows[1].getBoundingClientRect().top + scrollY);
  requestAnimationFrame(look);
})()
"""
"""What the first row says, and where the second one stands, at every frame."""


async def test_over_a_slow_line_a_claim_says_how_it_stands(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO, title="First", priority="urgent")
    other = await desk.escalate(BO, title="Second")
    await desk.until_handoff(handoff, round=1)
    await desk.until_handoff(other, round=1)
    amir = await sit(AMIR)
    await amir.until_live()
    claims: list[str] = []

    def note_claim(request: Request) -> None:
        if request.url.endswith("/claim"):
            claims.append(request.url)

    amir.page.on("request", note_claim)
    line = await amir.page.context.new_cdp_session(amir.page)
    await line.send("Network.enable")
    await line.send("Network.emulateNetworkConditions", SLOW)
    await amir.page.evaluate(WATCH)
    await amir.claim(handoff)
    await amir.claim(handoff)
    await expect(amir.row(handoff)).to_contain_text("Yours", timeout=10000)
    await expect(amir.row(handoff).get_by_role("button", name="Undo")).to_be_visible(timeout=10000)
    await expect(amir.row(handoff).get_by_role("alert")).to_be_hidden()
    assert await amir.page.evaluate("Array.from(window.said)") == ["", "Still under way…"]
    assert await amir.page.evaluate("window.places.size") == 1
    assert len(claims) == 1
    assert (await desk.history(handoff)).count("claimed") == 1
    amir.must_be_quiet()
