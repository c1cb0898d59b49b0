"""On wide screens the list stays beside the handoff that is opened."""

from typing import Any

import pytest
from playwright.async_api import Dialog, FrameLocator, expect

from tests.browser.conftest import Sit
from tests.browser.screens import Screen
from tests.support.cast import AMIR, BO, CHEN
from tests.support.cookies import BROWSER
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


@pytest.mark.expects_errors
async def test_what_goes_wrong_in_the_frame_is_said_there(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO, title="First")
    gone = "0198c000-0000-7000-8000-000000000001"
    amir = await sit(AMIR, f"/?open={gone}", **WIDE)
    heading = _beside(amir).get_by_role("heading", level=1)
    await expect(heading).to_have_text("Page not found")
    # The list's keys reach it from there.
    await amir.page.frames[1].wait_for_load_state()
    await heading.click()
    await amir.page.keyboard.press("j")
    await expect(amir.row(handoff).get_by_role("link")).to_be_focused()
    # What could not be had is asked for again.
    await amir.page.route("**/handoffs/*?beside=true", lambda route: route.abort())
    await amir.page.keyboard.press("Enter")
    await expect(amir.row(handoff).get_by_role("link")).to_have_attribute("aria-current", "true")
    await expect(heading).to_have_count(0)
    await amir.page.unroute("**/handoffs/*?beside=true")
    await amir.page.keyboard.press("Enter")
    await expect(heading).to_have_text("First")
    # Who is not signed in any more does so on the whole page.
    path = f"/handoffs/{handoff.id}?beside=true"
    to_nobody = await desk.http().get(path, headers={"Accept": BROWSER})
    assert "frame-ancestors 'self'" in to_nobody.headers["content-security-policy"]
    await amir.page.route(
        "**/handoffs/*?beside=true",
        lambda route: route.fulfill(
            status=to_nobody.status_code, headers=dict(to_nobody.headers), body=to_nobody.text
        ),
    )
    await amir.page.reload()
    await amir.page.wait_for_url("**/sign-in?next=*open*")


async def test_the_list_goes_on_from_what_is_opened(desk: Desk, sit: Sit) -> None:
    made = [await desk.park(BO, title=f"Number {one}") for one in range(4)]
    amir = await sit(AMIR, "/?tab=parked", **WIDE)
    await amir.until_live()
    page, frame = amir.page, _beside(amir)
    await amir.row(made[2]).get_by_role("link").click()
    for key, expected in (("k", made[1]), ("j", made[3])):
        await expect(frame.get_by_role("heading", level=1)).to_have_text("Number 2")
        # Its modules run before it has loaded, and keys mean something from then on.
        await page.frames[1].wait_for_load_state()
        await frame.get_by_role("heading", level=1).click()
        await page.keyboard.press(key)
        await expect(amir.row(expected).get_by_role("link")).to_be_focused()
    # Files that were not sent are not left behind unasked.
    await frame.locator("input[type=file]").first.set_input_files(
        {"name": "slow.log", "mimeType": "text/plain", "buffer": b"words"}
    )
    await expect(frame.locator("[data-adding] > li")).to_have_count(1)
    asked: list[str] = []

    async def answer(dialog: Dialog) -> None:
        asked.append(dialog.message)
        await (dialog.dismiss() if len(asked) < 3 else dialog.accept())

    page.on("dialog", answer)
    await amir.row(made[0]).get_by_role("link").click()
    await expect(frame.get_by_role("heading", level=1)).to_have_text("Number 2")
    async with page.expect_event("dialog"):
        await page.evaluate("history.back()")
    await expect(page).to_have_url(f"{desk.base_url}/?tab=parked&open={made[2].id}")
    await expect(frame.get_by_role("heading", level=1)).to_have_text("Number 2")
    await amir.row(made[0]).get_by_role("link").click()
    await expect(frame.get_by_role("heading", level=1)).to_have_text("Number 0")
    assert len(asked) == 3
    # What is opened may not be among the rows that are shown.
    await page.locator("#search").fill("Number 3")
    await page.locator("#beside").get_by_role("button", name="Close").click()
    await expect(amir.row(made[3]).get_by_role("link")).to_be_focused()
    amir.must_be_quiet()
