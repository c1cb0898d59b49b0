"""Live in the browser: restarts, sleep, ten tabs on one stream, and a stream that cannot be had."""

import asyncio
import re
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.black_hole import black_hole
from tests.browser.conftest import Sit
from tests.support.cast import AMIR, BO, CHEN
from tests.support.desk import Desk

TABS = 10

WITHOUT_LOCKS = "Object.defineProperty(Navigator.prototype, 'locks', {value: undefined})"
"""As browsers are where there is no TLS."""


def port(desk: Desk) -> int:
    found = urlsplit(desk.base_url).port
    assert found is not None
    return found


def streams(desk: Desk) -> int:
    """How many streams the API holds open."""
    assert desk.services is not None
    return sum(len(ears) for ears in desk.services.hub.listening().values())


async def test_a_restarted_api_is_found_again(desk: Desk, sit: Sit) -> None:
    amir = await sit(AMIR)
    await amir.until_live()
    taken = port(desk)
    await desk.stop_api()
    await expect(amir.live()).to_have_attribute("data-state", "reconnecting")
    await desk.start_api(port=taken, temporal=desk.temporal)
    await expect(amir.live()).to_have_attribute("data-state", "live", timeout=15000)
    handoff = await desk.escalate(BO)
    await expect(amir.row(handoff)).to_be_visible(timeout=1500)


async def test_what_happened_meanwhile_is_shown(desk: Desk, sit: Sit) -> None:
    amir = await sit(AMIR)
    await amir.until_live()
    context = amir.page.context
    await context.set_offline(True)
    handoff = await desk.escalate(BO)
    await desk.claim(CHEN, handoff)
    other = await desk.escalate(BO, title="Other")
    await context.set_offline(False)
    await expect(amir.row(other)).to_be_visible(timeout=2000)
    await expect(amir.row(handoff)).to_have_count(0)


@pytest.mark.parametrize("beside", [False, True], ids=["the only tab", "another tab listens"])
async def test_what_rings_before_the_pages_own_script_has_come_is_shown(
    desk: Desk, sit: Sit, beside: bool
) -> None:
    amir = await sit(AMIR, "/" if beside else "/sign-in")
    if beside:
        await amir.until_live()
    page = await amir.page.context.new_page()
    asked, may_come = asyncio.Event(), asyncio.Event()

    async def comes_late(route: Route) -> None:
        asked.set()
        await may_come.wait()
        await route.continue_()

    await page.route("**/static/queue/page.js", comes_late)
    await page.goto("/", wait_until="commit")
    await asked.wait()
    handoff = await desk.escalate(BO)
    await asyncio.sleep(1)
    may_come.set()
    await expect(page.locator(f'#rows > [data-key="{handoff.id}"]')).to_be_visible()


async def test_after_a_sleep_the_truth_stands_within_two_seconds(desk: Desk, sit: Sit) -> None:
    amir = await sit(AMIR, "/sign-in")
    await amir.page.clock.install()
    await amir.page.goto("/")
    await amir.until_live()
    # The lid is closed: no answer reaches the page any more, though it does not know.
    await amir.page.route("**/console/**", lambda route: route.abort())
    handoff = await desk.escalate(BO)
    await asyncio.sleep(1)
    await amir.page.unroute("**/console/**")
    await amir.page.clock.fast_forward("01:00:00")
    await expect(amir.row(handoff)).to_be_visible(timeout=2000)


@pytest.mark.parametrize("locks", [True, False], ids=["locks", "plain http"])
async def test_ten_tabs_share_one_stream_and_another_takes_over(
    desk: Desk, sit: Sit, locks: bool
) -> None:
    first = await sit(AMIR, "/sign-in")
    if not locks:
        await first.page.context.add_init_script(WITHOUT_LOCKS)
    await first.page.goto("/")
    await first.until_live()
    assert await first.page.evaluate("navigator.locks !== undefined") is locks
    tabs: list[Page] = [first.page]
    for _ in range(TABS - 1):
        page = await first.page.context.new_page()
        await page.goto("/")
        tabs.append(page)
    for page in tabs:
        await expect(page.locator("#live")).to_have_attribute("data-state", "live")
    assert streams(desk) == 1
    await tabs[0].close()
    last = tabs[-1]
    await last.bring_to_front()
    handoff = await desk.escalate(BO)
    row = last.locator(f'#rows > [data-key="{handoff.id}"]')
    await expect(row).to_be_visible(timeout=5000)
    for page in tabs[1:]:
        await expect(page).to_have_title("(1) Handoff")
    await expect(last.locator("#live")).to_have_attribute("data-state", "live")
    assert streams(desk) == 1


async def test_without_a_stream_it_asks_and_says_so(desk: Desk, sit: Sit) -> None:
    async def refuse(route: Route) -> None:
        await route.fulfill(status=502, body="")

    amir = await sit(AMIR, "/sign-in")
    await amir.page.context.route("**/events?*", refuse)
    await amir.page.goto("/")
    # It never stood, so it is not opened again.
    await amir.page.wait_for_event("requestfinished", lambda one: "/events?" in one.url)
    await expect(amir.live()).to_have_text("Connecting")
    await expect(amir.live()).to_have_text("Polling every 5 s", timeout=20000)
    handoff = await desk.escalate(BO)
    await expect(amir.row(handoff)).to_be_visible(timeout=7000)
    await amir.page.context.unroute("**/events?*")
    await expect(amir.live()).to_have_text("Live", timeout=10000)


async def test_a_connection_that_brings_nothing_any_more_is_not_called_live(
    desk: Desk, sit: Sit
) -> None:
    amir = await sit(AMIR, "/sign-in")
    async with black_hole(port(desk)) as hole:
        await amir.page.clock.install()
        await amir.page.goto(f"http://127.0.0.1:{hole.port}/")
        await amir.until_live()
        hole.swallows = True
        handoff = await desk.escalate(BO)
        await amir.page.clock.run_for(25_000)
        await expect(amir.live()).to_have_attribute("data-state", "reconnecting")
        hole.swallows = False
        hole.hang_up()
        await amir.page.clock.run_for(10_000)
        await expect(amir.row(handoff)).to_be_visible()
        await expect(amir.live()).to_have_attribute("data-state", "live")


WHAT_IS_SHOWN = re.compile("/console/(board|handoffs)")


@pytest.mark.parametrize("path", ["/", "/handoffs/{id}"], ids=["queue", "handoff"])
async def test_what_could_not_be_read_again_is_not_called_live(
    desk: Desk, sit: Sit, path: str
) -> None:
    handoff = await desk.escalate(BO)
    amir = await sit(AMIR, path.format(id=handoff.id))
    await amir.until_live()
    await amir.page.route(WHAT_IS_SHOWN, lambda route: route.fulfill(status=502))
    await desk.claim(CHEN, handoff)
    await expect(amir.live()).to_have_text("Reconnecting")
    await amir.page.unroute(WHAT_IS_SHOWN)
    # Nothing rings any more: it is asked for again all the same.
    await expect(amir.page.locator("#main")).to_contain_text("Claimed by Chen")
    await expect(amir.live()).to_have_text("Live")
    amir.must_be_quiet()


async def test_a_page_that_is_back_is_live_once_it_has_read(desk: Desk, sit: Sit) -> None:
    amir = await sit(AMIR)
    await amir.until_live()
    may_read = asyncio.Event()

    async def comes_late(route: Route) -> None:
        await may_read.wait()
        await route.continue_()

    await amir.page.route(WHAT_IS_SHOWN, comes_late)
    await amir.page.context.set_offline(True)
    await expect(amir.live()).to_have_text("Offline")
    handoff = await desk.escalate(BO)
    async with amir.page.expect_response("**/events?*"):
        await amir.page.context.set_offline(False)
    await expect(amir.live()).to_have_text("Reconnecting")
    may_read.set()
    await expect(amir.live()).to_have_text("Live")
    await expect(amir.row(handoff)).to_be_visible()


async def test_a_device_without_a_network_says_so_at_once(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    amir = await sit(AMIR)
    await amir.until_live()
    await amir.page.context.set_offline(True)
    await expect(amir.live()).to_have_text("Offline")
    await amir.claim(handoff)
    await expect(amir.row(handoff).get_by_role("alert")).to_contain_text("Nothing was changed")
    await amir.page.context.set_offline(False)
    await expect(amir.live()).to_have_text("Live", timeout=10000)


@pytest.mark.parametrize("path", ["/analytics", "/settings/people", "/new"])
async def test_a_page_that_is_not_read_again_does_not_call_itself_live(
    desk: Desk, sit: Sit, path: str
) -> None:
    amir = await sit(AMIR, path)
    await amir.until_live()
    await expect(amir.live()).to_be_hidden()
    await amir.page.context.set_offline(True)
    await expect(amir.live()).to_be_visible()
    await expect(amir.live()).to_have_text("Offline")


async def test_a_claim_without_an_answer_is_found_out(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    amir = await sit(AMIR, "/sign-in")
    await amir.page.clock.install()
    await amir.page.goto("/")
    await amir.until_live()

    unanswered: list[Route] = []

    async def carry_out_and_say_nothing(route: Route) -> None:
        await route.fetch()
        unanswered.append(route)

    await amir.page.route("**/claim", carry_out_and_say_nothing)
    await amir.page.route("**/console/**", lambda route: route.abort())
    await amir.claim(handoff)
    note = amir.row(handoff).get_by_role("alert")
    await amir.page.clock.run_for(3_000)
    await expect(note).to_contain_text("Still under way")
    await desk.until_handoff(handoff, status="claimed")
    await amir.page.clock.run_for(9_000)
    await expect(note).to_contain_text("nobody knows yet")
    await amir.page.unroute("**/console/**")
    await amir.page.evaluate("dispatchEvent(new Event('online'))")
    await expect(amir.row(handoff)).to_contain_text("Yours")
    for route in unanswered:
        await route.abort()
