"""Nothing moves under a hand: what comes while somebody is about to press waits until they have."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Route, expect

from tests.browser.conftest import Sit
from tests.browser.screens import Screen
from tests.support.cast import AMIR, BO, CHEN
from tests.support.desk import Desk, Handoff

PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
}


async def _place(screen: Screen, handoff: Handoff) -> tuple[float, float]:
    box = await screen.row(handoff).bounding_box()
    assert box is not None
    return box["y"], box["height"]


async def test_a_click_claims_what_was_under_the_pointer(desk: Desk, sit: Sit) -> None:
    wanted = await desk.escalate(BO, title="Under the pointer")
    amir = await sit(AMIR)
    await amir.until_live()
    button = amir.row(wanted).get_by_role("button")
    await button.hover()
    before = await _place(amir, wanted)

    urgent = await desk.escalate(BO, title="Comes above", priority="urgent")
    await expect(amir.page.locator("#held")).to_contain_text("1 new, 1 urgent: show")
    await expect(amir.page.locator("#announcer")).to_contain_text("Comes above")
    await expect(amir.row(urgent)).to_have_count(0)
    assert await _place(amir, wanted) == before
    await amir.page.mouse.down()
    await amir.page.mouse.up()
    await expect(amir.row(wanted)).to_contain_text("Yours")
    assert (await desk.see(urgent))["status"] == "open"

    await amir.page.mouse.move(5, 5)
    await expect(amir.row(urgent)).to_be_visible()
    await expect(amir.page.locator("#held button")).to_be_hidden()


async def test_what_was_just_claimed_stays_while_somebody_types(desk: Desk, sit: Sit) -> None:
    """The list that is under way meanwhile is asked for anew, and forgets nothing."""
    handoff = await desk.escalate(BO, title="First")
    amir = await sit(AMIR)
    await amir.until_live()
    await amir.claim(handoff)
    await expect(amir.row(handoff)).to_contain_text("Yours")
    asked, typed = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        asked.set()
        await typed.wait()
        await route.continue_()

    await amir.page.route("**/console/board*", hold)
    await desk.escalate(BO, title="First of others")
    await asyncio.wait_for(asked.wait(), 10)
    await amir.page.locator("#search").fill("first")
    typed.set()
    await expect(amir.page.locator("#held")).to_contain_text("1 new: show")
    await expect(amir.row(handoff)).to_be_visible()


async def test_a_slip_of_the_hand_is_taken_back(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    amir = await sit(AMIR)
    await amir.until_live()
    await amir.claim(handoff)
    await amir.row(handoff).get_by_role("button", name="Undo").click()
    await desk.until_handoff(handoff, status="open")
    await expect(amir.row(handoff).get_by_role("button", name="Claim")).to_be_visible()
    await expect(amir.row(handoff).get_by_role("button", name="Undo")).to_have_count(0)


LONG = "PostgreSQL does not answer at the moment, nothing was changed. " * 3


@pytest.mark.parametrize("width", [390, 900, 1500])
async def test_what_a_row_says_and_offers_moves_nothing(desk: Desk, sit: Sit, width: int) -> None:
    handoff = await desk.escalate(BO, title="First", priority="urgent")
    below = await desk.escalate(BO, title="Second")
    for one in (handoff, below):
        await desk.until_handoff(one, round=1)
    amir = await sit(AMIR, viewport={"width": width, "height": 900})
    await amir.until_live()
    await amir.row(handoff).hover()
    before = [await _place(amir, one) for one in (handoff, below)]
    await amir.page.route(
        "**/claim", lambda route: route.fulfill(status=503, json={"detail": LONG})
    )
    await amir.claim(handoff)
    await expect(amir.row(handoff).get_by_role("alert")).to_be_visible()
    assert [await _place(amir, one) for one in (handoff, below)] == before
    await amir.page.unroute("**/claim")
    await amir.claim(handoff)
    undo = amir.row(handoff).get_by_role("button", name="Undo")
    await expect(undo).to_be_visible()
    assert [await _place(amir, one) for one in (handoff, below)] == before
    row, button = await amir.row(handoff).bounding_box(), await undo.bounding_box()
    assert row is not None
    assert button is not None
    assert row["y"] <= button["y"], "it is not cut off"
    assert button["y"] + button["height"] <= row["y"] + row["height"]
    assert button["x"] + button["width"] <= row["x"] + row["width"]
    # Without a hand the row has a height of its own, with it or without.
    await amir.page.mouse.move(5, 5)
    last = await desk.escalate(BO, title="Third", priority="low")
    await expect(amir.row(last)).to_be_visible()
    before = [await _place(amir, one) for one in (handoff, below)]
    await undo.evaluate("button => button.remove()")
    assert [await _place(amir, one) for one in (handoff, below)] == before


async def test_who_asks_sees_what_waits_at_once(desk: Desk, sit: Sit) -> None:
    wanted = await desk.escalate(BO, title="Under the pointer")
    amir = await sit(AMIR)
    await amir.until_live()
    await amir.row(wanted).hover()
    new = await desk.escalate(BO, title="Comes")
    await amir.page.locator("#held").get_by_role("button", name="1 new: show").click()
    await expect(amir.row(new)).to_be_visible()


async def test_the_focus_holds_and_a_key_shows(desk: Desk, sit: Sit) -> None:
    wanted = await desk.escalate(BO, title="In focus", priority="low")
    amir = await sit(AMIR)
    await amir.until_live()
    await amir.page.keyboard.press("j")
    before = await _place(amir, wanted)
    new = await desk.escalate(BO, title="Comes above", priority="urgent")
    await expect(amir.page.locator("#held button")).to_be_visible()
    assert await _place(amir, wanted) == before
    await amir.page.keyboard.press("n")
    await expect(amir.row(new)).to_be_visible()
    assert await amir.focused() == str(wanted.id)


async def test_what_leaves_above_a_hand_stays_until_it_has_gone(desk: Desk, sit: Sit) -> None:
    above = await desk.escalate(BO, title="Above", priority="urgent")
    wanted = await desk.escalate(BO, title="Under the pointer", priority="low")
    amir = await sit(AMIR)
    await amir.until_live()
    await amir.row(wanted).hover()
    before = await _place(amir, wanted)
    assert (await desk.claim(CHEN, above)).status_code == 200
    await expect(amir.row(above)).to_contain_text("Claimed by Chen")
    assert await _place(amir, wanted) == before


@pytest.mark.parametrize("pans", [False, True], ids=["rests", "pans"])
async def test_a_finger_holds_as_long_as_it_is_there(desk: Desk, sit: Sit, pans: bool) -> None:
    wanted = await desk.escalate(BO, title="Under the finger")
    amir = await sit(AMIR, "/sign-in", **PHONE)
    await amir.page.clock.install()
    await amir.page.goto("/")
    await amir.until_live()
    touch = await amir.page.context.new_cdp_session(amir.page)
    box = await amir.row(wanted).bounding_box()
    assert box is not None
    finger = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] - 8}

    async def send(kind: str, *points: dict[str, float]) -> None:
        await touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    await send("touchStart", finger)
    for up in range(10, 60, 10) if pans else ():
        await send("touchMove", {**finger, "y": finger["y"] - up})
    before = await _place(amir, wanted)
    await amir.page.clock.run_for(4000)
    new = await desk.escalate(BO, title="Comes above", priority="urgent")
    await expect(amir.page.locator("#held button")).to_be_visible()
    # What changes in its place takes the finger's own row out of the page.
    await desk.claim(CHEN, wanted)
    await expect(amir.row(wanted)).to_contain_text("Claimed by Chen")
    assert await _place(amir, wanted) == before
    await send("touchEnd")
    await amir.page.clock.run_for(3000)
    await expect(amir.row(new)).to_be_visible()
