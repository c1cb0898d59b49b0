"""On wide screens the list stays beside the handoff that is opened."""

from typing import Any

from playwright.async_api import FrameLocator, expect

from tests.browser.conftest import Sit
from tests.browser.screens import Screen
from tests.support.cast import AMIR, BO, CHEN
from tests.support.desk import Desk

WIDE: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}


def _beside(screen: Screen) -> FrameLocator:
    return screen.page.frame_locator("#beside iframe")


async def test_it_opens_moves_and_closes_by_keys(desk: Desk, sit: Sit) -> None:
    first = await desk.escalate(BO, title="First", priority="urgent")
    second = await desk.escalate(BO, title="Second", priority="low")
    amir = await sit(AMIR, **WIDE)
    await amir.until_live()
    page, heading = amir.page, _beside(amir).get_by_role("heading", level=1)
    keyboard = page.keyboard
    for key in ("j", "Enter"):
        await keyboard.press(key)
    await expect(heading).to_have_text("First")
    await expect(page).to_have_url(f"{desk.base_url}/?open={first.id}")
    await expect(amir.row(first).get_by_role("link")).to_have_attribute("aria-current", "true")
    assert await amir.focused() == str(first.id)
    await expect(_beside(amir).locator("#live")).to_have_attribute("data-state", "live")
    # What happens shows in both, and the list goes on by its keys, from the handoff as well.
    await keyboard.press("Enter")
    await keyboard.press("c")
    await expect(_beside(amir).locator(".badge")).to_have_text("Claimed by you")
    await expect(amir.row(first)).to_contain_text("Yours")
    await keyboard.press("j")
    await keyboard.press("j")
    await keyboard.press("Enter")
    await expect(heading).to_have_text("Second")
    await page.go_back()
    await expect(heading).to_have_text("First")
    await page.go_forward()
    await expect(heading).to_have_text("Second")
    await page.reload()
    await expect(heading).to_have_text("Second")
    await _beside(amir).get_by_role("heading", level=1).click()
    await keyboard.press("Escape")
    await expect(page.locator("#beside")).to_be_hidden()
    await expect(page).to_have_url(f"{desk.base_url}/")
    assert await amir.focused() == str(second.id)
    amir.must_be_quiet()


async def test_the_list_keeps_its_place_its_picks_and_its_life(desk: Desk, sit: Sit) -> None:
    made = [await desk.park(BO, title=f"Number {one}") for one in range(12)]
    amir = await sit(AMIR, "/?tab=parked", **WIDE)
    await amir.until_live()
    page = amir.page
    for one in made[4:6]:
        await amir.row(one).locator(".pick input").check()
    await amir.row(made[9]).evaluate("row => row.scrollIntoView({ block: 'center' })")
    before = await amir.row(made[9]).bounding_box()
    await amir.row(made[9]).get_by_role("link").click()
    await expect(_beside(amir).get_by_role("heading", level=1)).to_have_text("Number 9")
    after = await amir.row(made[9]).bounding_box()
    assert before is not None
    assert after is not None
    assert abs(before["y"] - after["y"]) < 2
    await expect(page.locator("#picked")).to_contain_text("2 selected")
    assert (await desk.claim(CHEN, made[0])).status_code == 200
    await expect(amir.row(made[0])).to_contain_text("Claimed by Chen")
    await page.locator("#beside").get_by_role("button", name="Close").click()
    await expect(page.locator("#picked")).to_contain_text("2 selected")
    await amir.row(made[4]).get_by_role("link").focus()
    await amir.must_be_accessible()
    amir.must_be_quiet()


async def test_where_there_is_no_room_it_opens_as_a_page(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO, title="First")
    amir = await sit(AMIR, f"/?open={handoff.id}")
    await expect(amir.page).to_have_url(f"{desk.base_url}/handoffs/{handoff.id}")
    await expect(amir.page.get_by_role("heading", level=1)).to_have_text("First")
    await amir.page.goto("/")
    await amir.row(handoff).get_by_role("link").click()
    await expect(amir.page).to_have_url(f"{desk.base_url}/handoffs/{handoff.id}")
    # Nobody else shows it in a frame of theirs, and it alone is shown in one of ours.
    alone, beside = [
        await desk.http(AMIR).get(f"/handoffs/{handoff.id}{asked}")
        for asked in ("", "?beside=true")
    ]
    assert "frame-ancestors 'none'" in alone.headers["content-security-policy"]
    assert "frame-ancestors 'self'" in beside.headers["content-security-policy"]
    await amir.page.goto(f"/handoffs/{handoff.id}?beside=true")
    await amir.must_be_accessible()
    amir.must_be_quiet()
