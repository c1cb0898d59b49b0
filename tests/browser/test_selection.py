"""Many at once: rows are picked by pointer, Shift and keys, and each says what became of it."""

import asyncio
import os
import re
from pathlib import Path
from typing import Any

from playwright.async_api import Locator, expect

from tests.browser.conftest import Sit
from tests.browser.screens import Screen, sign_in
from tests.support.cast import AMIR, BO, CHEN, VERA
from tests.support.desk import Desk, Handoff

PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
}


def _box(screen: Screen, handoff: Handoff) -> Locator:
    return screen.row(handoff).get_by_role("checkbox")


def _bar(screen: Screen) -> Locator:
    return screen.page.locator("#picked")


async def _picture(screen: Screen, name: str) -> None:
    """By day and by night, for whoever asks for pictures."""
    if place := os.environ.get("PICTURES"):
        for scheme in ("light", "dark"):
            await screen.page.emulate_media(color_scheme=scheme)
            await screen.page.screenshot(path=Path(place) / f"{name}-{scheme}.png")


async def _queue(desk: Desk, many: int) -> list[Handoff]:
    return [await desk.escalate(BO, title=f"Tunnel {number}") for number in range(1, many + 1)]


async def test_shift_picks_all_in_between_and_one_press_claims_them(desk: Desk, sit: Sit) -> None:
    first, second, third, fourth = await _queue(desk, 4)
    amir = await sit(AMIR)
    await amir.until_live()
    await _box(amir, first).click()
    await _box(amir, third).click(modifiers=["Shift"])
    await expect(_bar(amir)).to_contain_text("3 selected")
    await _box(amir, second).click()
    await expect(_bar(amir)).to_contain_text("2 selected")
    await amir.must_be_accessible()
    await _picture(amir, "selection")
    await _bar(amir).get_by_role("button", name="Claim").click()
    await expect(_bar(amir)).to_contain_text("2 done")
    for one in (first, third):
        await expect(amir.row(one)).to_contain_text("Yours")
        await expect(amir.row(one).locator(".note")).to_have_text("Done")
        await desk.until_handoff(one, status="claimed")
    for one in (second, fourth):
        assert (await desk.see(one))["status"] == "open"
    amir.must_be_quiet()


async def test_by_keys_alone(desk: Desk, sit: Sit) -> None:
    first, second, third = await _queue(desk, 3)
    amir = await sit(AMIR)
    await amir.until_live()
    keyboard = amir.page.keyboard
    await keyboard.press("j")
    await keyboard.press("x")
    await expect(_bar(amir)).to_contain_text("1 selected")
    await keyboard.press("Shift+J")
    await expect(_bar(amir)).to_contain_text("2 selected")
    await keyboard.press("Escape")
    await expect(_bar(amir)).to_be_hidden()
    await keyboard.press("a")
    await expect(_bar(amir)).to_contain_text("3 selected")
    assert await amir.focused() == str(second.id)
    await keyboard.press("b")
    for _ in range(2):
        await keyboard.press("Tab")
    await expect(_bar(amir).get_by_role("button", name="Resolve")).to_be_focused()
    await keyboard.press("Shift+Tab")
    await keyboard.press("Enter")
    for one in (first, second, third):
        await expect(amir.row(one)).to_contain_text("Yours")
    await expect(_bar(amir)).to_contain_text("3 done")


async def test_each_row_says_who_has_it_and_why_not(desk: Desk, sit: Sit) -> None:
    free, lost = await _queue(desk, 2)
    own = await desk.escalate(AMIR, title="My own")
    amir = await sit(AMIR)
    await amir.until_live()
    await amir.page.keyboard.press("a")
    # Chen is first, and this page hears of it too late.
    await amir.page.route("**/console/**", lambda route: route.abort())
    assert (await desk.claim(CHEN, lost)).status_code == 200
    await _bar(amir).get_by_role("button", name="Claim").click()
    await expect(_bar(amir)).to_contain_text("1 done, 2 not: see the rows")
    await expect(amir.row(lost).locator(".note")).to_have_text("Chen has it")
    await expect(amir.row(own).locator(".note")).to_contain_text("You escalated this yourself")
    await amir.page.unroute("**/console/**")
    await amir.page.evaluate("dispatchEvent(new Event('online'))")
    await expect(amir.row(free)).to_contain_text("Yours")
    await _picture(amir, "results")
    await expect(amir.row(lost)).to_contain_text("Claimed by Chen")
    await expect(amir.row(lost).locator(".note")).to_have_text("Chen has it")
    await amir.page.keyboard.press("Escape")
    await expect(amir.row(lost).locator(".note")).to_be_hidden()
    await expect(_bar(amir)).to_be_hidden()


async def test_what_is_picked_stays_while_others_come_and_go(desk: Desk, sit: Sit) -> None:
    first, second, third = await _queue(desk, 3)
    amir = await sit(AMIR)
    await amir.until_live()
    await _box(amir, second).click()
    await _box(amir, third).click()
    await amir.page.mouse.move(5, 5)
    new = await desk.escalate(BO, title="Comes above", priority="urgent")
    await expect(amir.row(new)).to_be_visible()
    assert (await desk.claim(CHEN, second)).status_code == 200
    await expect(amir.row(second)).to_contain_text("Claimed by Chen")
    await expect(_box(amir, second)).to_be_checked()
    await expect(_box(amir, third)).to_be_checked()
    await expect(_box(amir, new)).not_to_be_checked()
    await expect(_bar(amir)).to_contain_text("2 selected")
    # A search leaves what it hides out of "all that match".
    await amir.page.keyboard.press("Escape")
    await amir.page.locator("#search").fill("tunnel 1")
    await amir.page.locator("#search").blur()
    await amir.page.keyboard.press("a")
    await expect(_bar(amir)).to_contain_text("1 selected")
    await expect(_box(amir, first)).to_be_checked()


async def test_dialogs_ask_once_for_all(desk: Desk, sit: Sit) -> None:
    made = await _queue(desk, 2)
    amir = await sit(AMIR)
    await amir.until_live()
    page = amir.page
    await page.keyboard.press("a")
    await _bar(amir).get_by_role("button", name="Change").click()
    dialog = page.locator("#change-dialog")
    await expect(dialog).to_contain_text("2 handoffs")
    await dialog.get_by_role("button", name="Change").click()
    # Nothing was named: the dialog says it, and nothing was done.
    await expect(dialog.get_by_role("alert")).to_contain_text("at least one of")
    await dialog.get_by_label("Priority").select_option("urgent")
    await dialog.get_by_role("button", name="Change").click()
    await expect(_bar(amir)).to_contain_text("2 done")
    for one in made:
        await expect(amir.row(one)).to_contain_text("Urgent")
    for name, button, shown in (
        ("snooze", "Snooze", "Snoozed"),
        ("cancel", "Cancel them", "Cancelled"),
    ):
        await page.keyboard.press("a")
        await _bar(amir).locator(f"[data-many={name}]").click()
        await page.locator(f"#{name}-dialog").get_by_role("button", name=button).click()
        for one in made:
            await expect(amir.row(one)).to_contain_text(shown)


async def test_claimed_ones_are_passed_on_and_resolved(desk: Desk, sit: Sit) -> None:
    made = await _queue(desk, 2)
    await asyncio.gather(*(desk.claim(AMIR, one) for one in made))
    amir = await sit(AMIR, "/?tab=mine")
    await amir.until_live()
    page = amir.page
    await page.keyboard.press("a")
    await _bar(amir).get_by_role("button", name="Pass it on").click()
    await page.get_by_label("Person").select_option(label="Chen")
    await page.get_by_label("A word along").fill("Both wait for the vendor.")
    await page.locator("#transfer-dialog").get_by_role("button", name="Pass on").click()
    for one in made:
        await expect(amir.row(one)).to_contain_text("Passed to Chen")
        mail = await desk.expect_mail(CHEN, one, says="Amir transfers this to you")
        assert "> Both wait for the vendor." in mail.text
    # The words went with these; the next ones get their own.
    await expect(page.get_by_label("A word along")).to_have_value("")
    await expect(page.get_by_label("Person")).to_have_value("")
    await page.keyboard.press("a")
    await page.keyboard.press("r")
    await page.locator("#resolve-dialog").get_by_role("button", name="Resolve").click()
    for one in made:
        await expect(amir.row(one)).to_contain_text("Resolved by you: Fixed")
        assert (await desk.see(one))["outcome"] == "fixed"


async def test_words_outlive_a_session_that_has_ended(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    await desk.claim(AMIR, handoff)
    amir = await sit(AMIR, "/?tab=mine")
    page = amir.page
    dialog = page.locator("#resolve-dialog")

    async def open_it() -> None:
        await _box(amir, handoff).click()
        await _bar(amir).get_by_role("button", name="Resolve").click()

    await open_it()
    await dialog.get_by_label("Note").fill("The vendor had swapped the certificate.")
    # The command, and nothing before it, learns that they are signed out.
    await page.route("**/console/**", lambda route: route.abort())
    await page.context.clear_cookies()
    await dialog.get_by_role("button", name="Resolve").click()
    await page.wait_for_url("**/sign-in?next=*")
    await page.unroute("**/console/**")
    await sign_in(desk, page.context, AMIR)
    await page.goto("/?tab=mine")
    await open_it()
    await dialog.get_by_role("button", name="Resolve").click()
    await expect(amir.row(handoff)).to_contain_text("Resolved by you")
    assert (await desk.see(handoff))["resolution_note"] == "The vendor had swapped the certificate."
    await page.reload()
    await expect(dialog.get_by_label("Note")).to_have_value("")


async def test_a_claim_of_many_is_undone_in_its_row(desk: Desk, sit: Sit) -> None:
    first, second = await _queue(desk, 2)
    amir = await sit(AMIR)
    await amir.until_live()
    await amir.page.keyboard.press("a")
    await _bar(amir).get_by_role("button", name="Claim").click()
    await amir.row(first).get_by_role("button", name="Undo").click()
    await desk.until_handoff(first, status="open")
    assert (await desk.see(second))["status"] == "claimed"
    await expect(amir.row(first).locator(".note")).to_be_hidden()


async def test_with_a_finger(desk: Desk, sit: Sit) -> None:
    first, second = await _queue(desk, 2)
    amir = await sit(AMIR, **PHONE)
    await amir.until_live()
    for one in (first, second):
        await _box(amir, one).tap()
    await expect(_bar(amir)).to_contain_text("2 selected")
    box = await _bar(amir).bounding_box()
    assert box is not None
    assert box["width"] <= 390
    assert await amir.page.evaluate("document.documentElement.scrollWidth") <= 390
    await _picture(amir, "selection-phone")
    await _bar(amir).get_by_role("button", name="Claim").tap()
    for one in (first, second):
        await expect(amir.row(one)).to_contain_text("Yours")


async def test_groups_and_whose_it_is(desk: Desk, sit: Sit) -> None:
    low = await desk.escalate(BO, title="Low one", priority="low")
    urgent = await desk.escalate(BO, title="Urgent one", priority="urgent")
    mine = await desk.escalate(AMIR, title="From Amir")
    amir = await sit(AMIR)
    await amir.until_live()
    page = amir.page
    await page.get_by_role("link", name="By priority").click()
    await expect(page.locator("#rows > .group")).to_have_text(
        [re.compile("Urgent"), re.compile("Normal"), re.compile("Low")]
    )
    assert "group=priority" in page.url
    await page.reload()
    await _picture(amir, "groups")
    await page.locator("#search").fill("low one")
    await expect(page.locator("#rows > .group:visible")).to_have_count(1)
    await page.locator("#search").fill("")
    await page.get_by_role("link", name="By team").click()
    await expect(page.locator("#rows > .group")).to_have_count(1)
    await expect(amir.row(low)).to_be_visible()
    await page.get_by_role("link", name="From me").click()
    await expect(amir.row(mine)).to_be_visible()
    await expect(amir.row(urgent)).to_have_count(0)
    await desk.claim(AMIR, urgent)
    await page.get_by_role("link", name="With me").click()
    await expect(amir.row(urgent)).to_be_visible()
    await expect(amir.row(mine)).to_have_count(0)
    amir.must_be_quiet()


async def test_a_view_is_named_and_stays_on_this_device(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO, title="Tunnel drops", priority="low")
    amir = await sit(AMIR, "/?tab=waiting&group=priority&page=2")
    await amir.until_live()
    page = amir.page
    await page.locator("#search").fill("tunnel")
    views = page.locator("#views")
    await views.locator("summary").click()
    await views.get_by_label("Save what is shown as").fill("Tunnels <b>")
    await views.get_by_role("button", name="Save").click()
    await _picture(amir, "views")
    await page.goto("/?tab=parked")
    await views.locator("summary").click()
    await views.get_by_role("link", name="Tunnels <b>").click()
    await expect(amir.row(handoff)).to_be_visible()
    assert "page=" not in page.url
    await expect(page.locator("#search")).to_have_value("tunnel")
    await expect(page.locator("#rows > .group")).to_have_count(1)
    await views.locator("summary").click()
    await amir.must_be_accessible()
    await views.get_by_role("button", name="Forget").click()
    await expect(views.get_by_role("link")).to_have_count(0)
    amir.must_be_quiet()


async def test_a_viewer_picks_nothing(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    vera = await sit(VERA)
    await expect(vera.row(handoff)).to_be_visible()
    await expect(_box(vera, handoff)).to_have_count(0)
    await vera.page.keyboard.press("a")
    await expect(_bar(vera)).to_have_count(0)
    vera.must_be_quiet()
