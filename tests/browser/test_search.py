"""Old work found at a screen: by words while one types, by filters, by keys; and day by day."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import Locator, Route, expect
from sqlalchemy import text

from tests.browser.conftest import Sit
from tests.browser.screens import Screen
from tests.http.test_search import write
from tests.support.cast import ACME, AMIR, BO, CHEN, VERA
from tests.support.desk import Desk, Handoff

HOSTILE = "<img src=x onerror=alert(1)> & <mark>tunnel</mark>"


def _find(screen: Screen, handoff: Handoff) -> Locator:
    return screen.page.locator(f'.find[data-key="{handoff.id}"]')


async def _picture(screen: Screen, name: str) -> None:
    if place := os.environ.get("PICTURES"):
        await screen.page.screenshot(path=Path(place) / f"{name}.png", full_page=True)


async def test_words_are_found_and_marked_while_somebody_types(desk: Desk, sit: Sit) -> None:
    notes = f"It began on Monday. The rekey fails on gw-200. {HOSTILE}"
    old = await desk.escalate(BO, title="VPN drops", engineer_notes=notes, priority="high")
    await desk.claim(CHEN, old)
    done = {"outcome": "workaround", "note": "Rolled back."}
    assert (await desk.command(AMIR, old, "resolve", done)).is_success
    other = await desk.escalate(BO, title="Printer on fire")
    amir = await sit(AMIR)
    await amir.until_live()
    await amir.page.locator("#search").fill("printer")
    await amir.page.keyboard.press("Enter")
    await expect(amir.page.locator("#q")).to_have_value("printer")
    await expect(_find(amir, other)).to_be_visible()
    await amir.page.goto("/analytics")
    await amir.until_live()
    keyboard = amir.page.keyboard
    await keyboard.press("/")
    await expect(amir.page).to_have_url(f"{desk.base_url}/search")
    await expect(amir.page.locator("#q")).to_be_focused()
    await expect(_find(amir, other)).to_be_visible()
    await keyboard.type("vpn gw-20")
    await expect(_find(amir, other)).to_have_count(0)
    found = _find(amir, old)
    await expect(found.locator("mark")).to_have_text(["VPN", "gw-200"])
    await expect(found).to_contain_text("Resolved by you: Workaround")
    await expect(found).to_contain_text("Chen had it")
    await expect(amir.page).to_have_url(f"{desk.base_url}/search?q=vpn+gw-20")
    await amir.page.locator("#q").fill("tunnel")
    await expect(found.locator(".excerpt mark")).to_have_text(["tunnel"])
    await expect(found.locator(".excerpt")).to_contain_text(HOSTILE)
    await expect(found.locator("img")).to_have_count(0)
    await _picture(amir, "search")
    await keyboard.press("ArrowDown")
    await keyboard.press("Enter")
    await expect(amir.page).to_have_url(f"{desk.base_url}/handoffs/{old.id}")
    await amir.page.go_back()
    await expect(amir.page.locator("#q")).to_have_value("tunnel")
    await expect(_find(amir, old)).to_be_visible()
    amir.must_be_quiet()


async def test_filters_stand_in_the_address_and_back_takes_them_away(desk: Desk, sit: Sit) -> None:
    urgent = await desk.escalate(BO, title="VPN drops", priority="urgent")
    await desk.claim(CHEN, urgent)
    calm = await desk.escalate(BO, title="VPN slow", priority="low")
    vera = await sit(VERA, "/search?q=vpn")
    await expect(vera.page.locator(".find")).to_have_count(2)
    await vera.page.get_by_label("Priority").select_option("Urgent")
    await expect(vera.page.locator(".find")).to_have_count(1)
    await vera.page.get_by_label("Person").select_option("Chen")
    await expect(_find(vera, urgent)).to_be_visible()
    assert "priority=urgent" in vera.page.url
    tomorrow = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    await vera.page.get_by_label("From").fill(tomorrow)
    await expect(vera.page.get_by_text("Nothing here says “vpn”")).to_be_visible()
    await _picture(vera, "search-nothing")
    await vera.page.reload()
    await expect(vera.page.get_by_label("From")).to_have_value(tomorrow)
    for _ in range(2):
        await vera.page.go_back()
    await expect(vera.page.locator(".find")).to_have_count(1)
    await expect(vera.page.get_by_label("Person")).to_have_value("")
    await vera.page.go_back()
    await expect(_find(vera, calm)).to_be_visible()
    await expect(vera.page.get_by_label("Priority")).to_have_value("")
    await vera.page.go_forward()
    await expect(_find(vera, calm)).to_have_count(0)
    vera.must_be_quiet()


async def test_what_is_found_changes_in_its_place_and_what_comes_is_offered(
    desk: Desk, sit: Sit
) -> None:
    waits = await desk.escalate(BO, title="VPN drops")
    other = await desk.escalate(BO, title="VPN slow")
    vera = await sit(VERA, "/search?q=vpn&status=open")
    await vera.until_live()
    before = await _find(vera, other).bounding_box()
    await _find(vera, waits).hover()
    await desk.claim(CHEN, waits)
    # It is no longer what was asked for, and says so where it stands.
    await expect(_find(vera, waits)).to_contain_text("Claimed by Chen")
    await expect(_find(vera, waits).locator("mark")).to_have_text("VPN")
    new = await desk.escalate(BO, title="VPN gone")
    await expect(vera.page.get_by_role("button", name="1 new: show")).to_be_visible()
    assert await _find(vera, other).bounding_box() == before
    await expect(_find(vera, new)).to_have_count(0)
    await vera.page.get_by_role("button", name="1 new: show").click()
    await expect(_find(vera, new)).to_be_visible()
    await expect(_find(vera, waits)).to_have_count(0)
    await expect(vera.page.get_by_role("button", name="new: show")).to_have_count(0)
    vera.must_be_quiet()


async def test_what_closes_is_offered_and_shown_where_nothing_had(desk: Desk, sit: Sit) -> None:
    first, second = await desk.escalate(BO, title="First"), await desk.escalate(BO, title="Second")
    vera = await sit(VERA, "/closed")
    await vera.until_live()
    await expect(vera.page.get_by_text("Nothing has closed yet.")).to_be_visible()
    await desk.command(AMIR, first, "cancel", {})
    await expect(_find(vera, first)).to_contain_text("Cancelled by Amir")
    await desk.command(AMIR, second, "cancel", {})
    await vera.page.get_by_role("button", name="1 new: show").click()
    await expect(_find(vera, second)).to_be_visible()
    await expect(vera.page.locator(".day")).to_have_count(1)


@pytest.mark.parametrize(
    ("status", "said"), [(503, "The server does not answer."), (429, "Too much was asked at once.")]
)
async def test_what_could_not_be_found_is_not_what_was_found_before_and_is_asked_again(
    desk: Desk, sit: Sit, status: int, said: str
) -> None:
    await desk.escalate(BO, title="VPN drops")
    printer = await desk.escalate(BO, title="Printer on fire")
    vera = await sit(VERA, "/search?q=vpn")
    await expect(vera.page.locator(".find")).to_have_count(1)

    async def refuse(route: Route) -> None:
        await route.fulfill(status=status)

    await vera.page.route("**/console/search*", refuse)
    await vera.page.locator("#q").fill("printer")
    await expect(vera.page.locator("#problem")).to_contain_text(said)
    await expect(vera.page.locator(".find")).to_have_count(0)
    await vera.page.unroute("**/console/search*")
    # The same question, by the form as by the button.
    if status == 503:
        await vera.page.get_by_role("button", name="Search", exact=True).click()
    else:
        await vera.page.get_by_role("button", name="Try again").click()
    await expect(_find(vera, printer)).to_be_visible()
    await expect(vera.page.locator("#problem")).to_be_empty()


async def test_what_others_have_parked_shows_no_note(desk: Desk, sit: Sit) -> None:
    parked = await desk.park(BO, title="Tunnel", engineer_notes="The tunnel's guava")
    assert (await desk.command(BO, parked, "notes", {"text": "A tunnel of kiwi"})).is_success
    amir, bo = await sit(AMIR, "/search?q=tunnel"), await sit(BO, "/search?q=tunnel")
    await expect(_find(bo, parked).locator(".excerpt")).to_contain_text("guava")
    await expect(_find(amir, parked)).to_be_visible()
    shown = await amir.page.content()
    assert "guava" not in shown
    assert "kiwi" not in shown
    assert (await desk.claim(AMIR, parked)).is_success
    await amir.page.goto("/search?q=kiwi")
    await expect(_find(amir, parked).locator(".excerpt")).to_have_text("A tunnel of kiwi")


_CLOSED = """
UPDATE handoffs SET status = 'cancelled', resolved_at = created_at
WHERE account_id = :account AND status = 'open'
"""


async def test_what_has_closed_comes_by_day_without_end(desk: Desk, sit: Sit) -> None:
    await write(desk, 120, "Gateway", apart="1 hour")
    async with desk.database.engine_room() as connection:
        await connection.execute(text(_CLOSED), {"account": ACME})
    last = await desk.escalate(BO, title="The last one")
    assert (await desk.command(BO, last, "cancel", {})).is_success
    amir = await sit(AMIR, "/?tab=closed", timezone_id="Asia/Tokyo", locale="en-GB")
    await amir.page.get_by_role("link", name="All that has closed").click()
    await expect(_find(amir, last)).to_contain_text("Cancelled by Bo")
    await expect(amir.page.locator(".find").first).to_contain_text("The last one")
    await _picture(amir, "closed")
    keyboard = amir.page.keyboard
    for _ in range(6):
        await keyboard.press("End")
        await amir.page.wait_for_timeout(100)
    await expect(amir.page.locator(".find")).to_have_count(121)
    await expect(amir.page.get_by_role("link", name="Show more")).to_have_count(0)
    days = await amir.page.locator(".day h2").all_inner_texts()
    assert len(days) == len(set(days)), days
    assert len(days) in (6, 7), days
    await keyboard.press("Home")
    await keyboard.press("j")
    await keyboard.press("Enter")
    await expect(amir.page).to_have_url(f"{desk.base_url}/handoffs/{last.id}")
    amir.must_be_quiet()


async def test_on_a_phone_by_night_and_without_javascript(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO, title="VPN drops", engineer_notes="The rekey fails. " * 20)
    phone = {"width": 390, "height": 760}
    amir = await sit(AMIR, "/search?q=rekey", viewport=phone, color_scheme="dark")
    await expect(_find(amir, handoff)).to_be_visible()
    await _picture(amir, "search-phone")
    await amir.page.goto("/closed")
    await expect(amir.page.get_by_text("Nothing has closed yet.")).to_be_visible()
    chen = await sit(CHEN, "/search", java_script_enabled=False)
    await chen.page.get_by_label("Words to look for").fill("rekey")
    await chen.page.get_by_role("button", name="Search").click()
    await expect(_find(chen, handoff)).to_be_visible()
    await chen.page.goto("/search?q=%00x&status=gone&from=never&team=x&cursor=nonsense&zone=Moon")
    await expect(chen.page.get_by_text("Nothing here says “x”")).to_be_visible()
