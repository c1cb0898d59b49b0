"""A handoff's conversation on its page: written, seen live, and nothing typed is lost."""

import os
from pathlib import Path

from playwright.async_api import expect

from tests.browser.conftest import Sit
from tests.support.cast import AMIR, BO, CHEN, OLIVE
from tests.support.desk import Desk

WRITE = "Write to everybody who has to do with it"


async def test_a_note_appears_on_everybodys_screen(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    bo = await sit(BO, f"/handoffs/{handoff.id}")
    amir = await sit(AMIR, f"/handoffs/{handoff.id}")
    field = amir.page.get_by_label(WRITE)
    await field.fill("Try the **old** key: `ipsec up vpn`")
    await expect(bo.page.locator("#looking")).to_contain_text("Amir is writing a note")
    await field.press("Tab")
    await amir.page.keyboard.press("Enter")
    await expect(field).to_have_value("")
    moment = bo.page.locator(".moment.noted")
    await expect(moment).to_contain_text("Amir writes")
    await expect(moment.locator("strong")).to_have_text("old")
    await expect(moment.locator("code")).to_have_text("ipsec up vpn")
    if place := os.environ.get("PICTURES"):
        await bo.page.screenshot(path=Path(place) / "conversation.png", full_page=True)
    amir.must_be_quiet()
    bo.must_be_quiet()


async def test_what_is_typed_survives_a_reload_until_it_is_sent(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    chen = await sit(CHEN, f"/handoffs/{handoff.id}")
    await chen.page.get_by_label(WRITE).fill("half a thou")
    await chen.page.reload()
    await expect(chen.page.get_by_label(WRITE)).to_have_value("half a thou")
    await chen.page.context.set_offline(True)
    await chen.page.get_by_role("button", name="Write", exact=True).click()
    await expect(chen.page.locator(".say .problem")).to_contain_text("Nothing was changed")
    await expect(chen.page.get_by_label(WRITE)).to_have_value("half a thou")
    await chen.page.context.set_offline(False)
    await chen.page.get_by_role("button", name="Write", exact=True).click()
    await expect(chen.page.locator(".moment.noted")).to_contain_text("half a thou")
    await chen.page.reload()
    await expect(chen.page.get_by_label(WRITE)).to_have_value("")


async def test_a_note_that_is_too_long_says_so_before_it_is_sent(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    chen = await sit(CHEN, f"/handoffs/{handoff.id}")
    await chen.page.get_by_label(WRITE).fill("x" * 17_000)
    await expect(chen.page.locator(".say [data-counts]")).to_contain_text("17,000 bytes")


async def test_somebody_is_asked_by_name_and_what_is_wrong_is_set_right(
    desk: Desk, sit: Sit
) -> None:
    handoff = await desk.escalate(BO, priority="low")
    bo = await sit(BO, f"/handoffs/{handoff.id}")
    await bo.page.get_by_role("button", name="Ask somebody").click()
    await bo.page.get_by_label("Person").select_option(label=OLIVE.name)
    await bo.page.get_by_label("What for").fill("You wrote this.")
    await bo.page.get_by_role("button", name="Ask now").click()
    await expect(bo.page.locator(".moment.called")).to_contain_text("Bo asks for Olive")
    await bo.page.get_by_role("button", name="Change", exact=True).click()
    await bo.page.get_by_label("Title").fill("Rekey fails")
    await bo.page.get_by_label("Priority").select_option("urgent")
    if place := os.environ.get("PICTURES"):
        await bo.page.screenshot(path=Path(place) / "change.png")
    await bo.page.locator("#change-dialog button[type=submit]").click()
    await expect(bo.page.get_by_role("heading", level=1)).to_have_text("Rekey fails")
    moment = bo.page.locator(".moment.changed")
    await expect(moment).to_contain_text("Bo made it urgent, named it «Rekey fails»")
    bo.must_be_quiet()


async def test_a_handoff_that_was_not_sent_is_there_when_one_comes_back(
    desk: Desk, sit: Sit
) -> None:
    bo = await sit(BO, "/new")
    await bo.page.get_by_label("What is it about?").fill("Rekey fails")
    await bo.page.get_by_label("Notes").fill("x" * 66_000)
    await expect(bo.page.locator("[data-counts]")).to_contain_text("66,000 bytes")
    await bo.page.get_by_role("button", name="Escalate", exact=True).click()
    await expect(bo.page.locator("#problem")).to_contain_text(
        "Notes may have 65,536 bytes; these have 66,000"
    )
    await bo.page.goto(f"{desk.base_url}/")
    await bo.page.goto(f"{desk.base_url}/new")
    await expect(bo.page.get_by_label("What is it about?")).to_have_value("Rekey fails")
    await bo.page.get_by_label("Notes").fill("It fails.")
    await bo.page.get_by_role("button", name="Escalate", exact=True).click()
    await expect(bo.page.get_by_role("heading", level=1)).to_have_text("Rekey fails")
    await bo.page.goto(f"{desk.base_url}/new")
    await expect(bo.page.get_by_label("What is it about?")).to_have_value("")
