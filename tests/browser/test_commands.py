"""Commands on a handoff's page: lost answers are found out, slips taken back, hands not misled."""

import asyncio

from playwright.async_api import Route, expect
from sqlalchemy import text

from tests.browser.conftest import Sit
from tests.browser.test_claim_link import mailed
from tests.support.cast import AMIR, BO, CHEN, OLIVE
from tests.support.desk import Desk

WRITE = "Write to everybody who has to do with it"
PRESSES_WHAT_COMES = """
    new MutationObserver((_, watching) => {
        const come = document.querySelector(".commands [data-key=claim]");
        if (come) watching.disconnect();
        come?.dispatchEvent(new MouseEvent("click", { bubbles: true, detail: 1 }));
    }).observe(document.querySelector(".commands"), { childList: true })
"""
"""A finger that was on its way to what stood there before."""


async def _lose_the_answer(route: Route) -> None:
    await route.fetch()
    await route.abort()


async def test_a_note_whose_answer_was_lost_is_written_once(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    chen = await sit(CHEN, f"/handoffs/{handoff.id}")
    field, button = chen.page.get_by_label(WRITE), chen.page.get_by_role("button", name="Write")
    await field.fill("Once.")
    await chen.page.route("**/notes", _lose_the_answer)
    await button.click()
    await expect(chen.page.locator(".say .problem")).to_contain_text("it is done once at most")
    await chen.page.unroute("**/notes")
    await button.click()
    await expect(field).to_have_value("")
    await expect(chen.page.locator(".say .problem")).to_be_empty()
    # The same words once more are meant to be said once more.
    await field.fill("Once.")
    await button.click()
    await expect(field).to_have_value("")
    assert (await desk.history(handoff)).count("noted") == 2


async def test_somebody_whose_call_was_lost_is_asked_once(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    bo = await sit(BO, f"/handoffs/{handoff.id}")
    await bo.page.get_by_role("button", name="Ask somebody").click()
    dialog = bo.page.locator("#call-dialog")
    await dialog.get_by_label("Person").select_option(label=OLIVE.name)
    await bo.page.route("**/call", _lose_the_answer)
    await dialog.get_by_role("button", name="Ask now").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("it is done once at most")
    await bo.page.unroute("**/call")
    await dialog.get_by_role("button", name="Ask now").click()
    await expect(dialog).to_be_hidden()
    assert (await desk.history(handoff)).count("called") == 1


async def test_a_claim_without_an_answer_says_so_and_is_found_out(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    amir = await sit(AMIR, f"/handoffs/{handoff.id}")
    await amir.until_live()
    may_end = asyncio.Event()

    async def carry_out(route: Route) -> None:
        await route.fetch()
        await may_end.wait()
        await route.abort()

    await amir.page.route("**/claim", carry_out)
    await amir.page.route("**/console/**", lambda route: route.abort())
    await amir.page.get_by_role("button", name="Claim").click()
    problem = amir.page.locator("#problem")
    await expect(problem).to_contain_text("Still under way")
    may_end.set()
    await expect(problem).to_contain_text("nobody knows yet. Looking again")
    await amir.page.unroute("**/console/**")
    await amir.page.evaluate("dispatchEvent(new Event('online'))")
    await expect(amir.page.locator(".badge")).to_have_text("Claimed by you")
    await expect(problem).to_be_empty()


async def test_what_comes_under_a_hand_is_not_pressed_by_it(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    await desk.claim(CHEN, handoff)
    amir = await sit(AMIR, f"/handoffs/{handoff.id}")
    await amir.until_live()
    await amir.page.evaluate(PRESSES_WHAT_COMES)
    await desk.command(CHEN, handoff, "release", {})
    await expect(amir.page.locator("#problem")).to_contain_text("This has just changed")
    assert (await desk.see(handoff))["status"] == "open"
    # Keys mean a command, wherever its button stands.
    await amir.page.keyboard.press("c")
    await expect(amir.page.locator(".badge")).to_have_text("Claimed by you")
    await expect(amir.page.locator("#problem")).to_be_empty()


async def test_nothing_jumps_when_somebody_else_looks(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    chen = await sit(CHEN, f"/handoffs/{handoff.id}")
    await chen.until_live()
    place = "document.querySelector('.columns').offsetTop"
    before = await chen.page.evaluate(place)
    await sit(AMIR, f"/handoffs/{handoff.id}")
    await expect(chen.page.locator("#looking")).to_contain_text("Amir", timeout=6000)
    assert await chen.page.evaluate(place) == before


async def test_a_slip_is_taken_back(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    await desk.until_handoff(handoff, round=1)
    amir = await sit(AMIR, f"/handoffs/{handoff.id}")
    await amir.page.get_by_role("button", name="Claim").click()
    await amir.page.get_by_role("button", name="Undo").press("Enter")
    await expect(amir.page.locator(".badge")).to_have_text("Waiting")
    await expect(amir.page.get_by_role("button", name="Undo")).to_have_count(0)
    seen = await desk.see(handoff)
    assert (seen["status"], seen["round"]) == ("open", 1)
    amir.must_be_quiet()


_LATER = "UPDATE handoffs SET claimed_at = claimed_at - interval '11 seconds' WHERE id = :id"


async def test_a_claim_by_link_is_taken_back_for_a_moment(desk: Desk, sit: Sit) -> None:
    handoff, link = await mailed(desk)
    chen = await sit(CHEN, link)
    await chen.page.get_by_role("button", name="Claim it").click()
    undo = chen.page.get_by_role("button", name="Undo")
    await expect(undo).to_be_visible()
    olive = await sit(OLIVE, f"/handoffs/{handoff.id}")
    await expect(olive.page.get_by_role("button", name="Give it back")).to_be_visible()
    await expect(olive.page.get_by_role("button", name="Undo")).to_have_count(0)
    async with desk.database.engine_room() as connection:
        await connection.execute(text(_LATER), {"id": handoff.id})
    await chen.page.reload()
    await expect(chen.page.get_by_role("button", name="Give it back")).to_be_visible()
    await expect(undo).to_have_count(0)


async def test_what_others_have_changed_meanwhile_stays(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO, title="VPN drops", priority="low")
    bo = await sit(BO, f"/handoffs/{handoff.id}")
    await bo.until_live()
    await bo.page.get_by_role("button", name="Change", exact=True).click()
    dialog = bo.page.locator("#change-dialog")
    await desk.command(AMIR, handoff, "change", {"priority": "urgent"})
    await expect(bo.page.locator(".moment.changed")).to_contain_text("Amir made it urgent")
    save = dialog.get_by_role("button", name="Change")
    await save.click()
    await expect(dialog.get_by_role("alert")).to_have_text("Nothing here is different yet.")
    await dialog.get_by_label("Title").fill("Rekey fails")
    await save.click()
    await expect(bo.page.get_by_role("heading", level=1)).to_have_text("Rekey fails")
    seen = await desk.see(handoff)
    assert (seen["session_title"], seen["priority"]) == ("Rekey fails", "urgent")


async def test_a_new_title_survives_a_reload(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    bo = await sit(BO, f"/handoffs/{handoff.id}")
    for wanted in ("VPN drops", "Rekey fails"):
        await bo.page.get_by_role("button", name="Change", exact=True).click()
        field = bo.page.locator("#change-dialog").get_by_label("Title")
        await expect(field).to_have_value(wanted)
        await field.fill("Rekey fails")
        await bo.page.reload()
