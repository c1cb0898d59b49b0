"""Back and forward show what is, not what was when the page was left."""

from playwright.async_api import expect

from tests.browser.conftest import Sit
from tests.support.cast import AMIR, BO, CHEN, NETWORK
from tests.support.desk import Desk

RESTORED = "dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))"
"""What a page hears that a browser has kept whole. Chromium keeps none that must not be stored;
others do."""


async def test_back_from_a_handoff_the_queue_is_read_again(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    amir = await sit(AMIR)
    await amir.row(handoff).get_by_role("link").first.click()
    await expect(amir.page.get_by_role("heading", level=1)).to_contain_text("VPN drops")
    await desk.claim(CHEN, handoff)
    await amir.page.go_back()
    await expect(amir.row(handoff)).to_have_count(0)
    await amir.page.go_forward()
    await expect(amir.page.locator(".badge")).to_have_text("Claimed by Chen")


async def test_a_queue_that_was_kept_whole_is_read_again(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    amir = await sit(AMIR)
    await amir.until_live()
    # What came while nobody looked: the stream was closed, and hears nothing.
    await amir.page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide'))")
    await desk.claim(CHEN, handoff)
    await amir.page.evaluate(RESTORED)
    await expect(amir.row(handoff)).to_contain_text("Claimed by Chen")
    await amir.until_live()


async def test_a_page_of_settings_that_was_kept_whole_is_loaded_anew(desk: Desk, sit: Sit) -> None:
    amir = await sit(AMIR, "/settings/people")
    await expect(amir.page.get_by_text("Chen", exact=True).first).to_be_visible()
    renamed = {"email": CHEN.email, "name": "Chen Li", "role": "engineer", "team_id": str(NETWORK)}
    answer = await desk.http(AMIR).put(f"/directory/users/{CHEN.id}", json=renamed)
    assert answer.status_code == 200, answer.text
    await amir.page.evaluate(RESTORED)
    await expect(amir.page.get_by_text("Chen Li", exact=True).first).to_be_visible()
    amir.must_be_quiet()
