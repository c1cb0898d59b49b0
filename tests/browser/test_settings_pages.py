"""Settings and analytics through the page: what is chosen there is what the API knows."""

from playwright.async_api import expect

from tests.browser.conftest import Sit
from tests.support.cast import AMIR, BO, CHEN, OLIVE
from tests.support.desk import Desk


async def test_my_notifications(desk: Desk, sit: Sit) -> None:
    chen = await sit(CHEN, "/settings/notifications", timezone_id="Europe/Berlin")
    page = chen.page
    await page.get_by_label("Email: from which priority on").select_option("High")
    await page.get_by_label("Keep quiet every day").check()
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()
    known = (await desk.http(CHEN).get("/me/notifications")).json()
    assert known["email"]["minimum_priority"] == "high"
    assert known["quiet_hours"]["time_zone"] == "Europe/Berlin"
    await page.get_by_role("button", name="Send me a test").click()
    await expect(page.locator("#tried")).to_contain_text("Email: sent", timeout=20000)
    chen.must_be_quiet()


async def test_a_policy_is_seen_ahead_and_saved(desk: Desk, sit: Sit) -> None:
    olive = await sit(OLIVE, "/settings/policy")
    page = olive.page
    await expect(page.locator("#standing")).to_contain_text("default")
    await page.get_by_role("button", name="Add a level").click()
    first, second = page.locator(".level").first, page.locator(".level").last
    await first.get_by_label("Everyone").uncheck()
    await first.get_by_label("Team Network").check()
    await first.get_by_label("Rounds of this level").fill("1")
    await first.locator("[data-wait=normal]").fill("90s")
    await expect(page.locator("#preview")).to_contain_text("Round 2, after 1 min 30 s")
    await expect(second.get_by_label("Every owner")).to_be_checked()
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()
    known = (await desk.http(OLIVE).get("/policy")).json()
    assert [level["wait"]["normal"] for level in known["levels"]] == [90, 900]
    await first.locator("[data-wait=normal]").fill("nonsense")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#problem")).to_contain_text("duration")
    olive.must_be_quiet()


async def test_people_are_changed(desk: Desk, sit: Sit) -> None:
    amir = await sit(AMIR, "/settings/people")
    page = amir.page
    await page.get_by_role("button", name="Add a person").click()
    sheet = page.locator("#person")
    await sheet.get_by_label("Name").fill("Nia <b>New</b>")
    await sheet.get_by_label("Email").fill("nia@acme.test")
    await sheet.get_by_role("button", name="Save").click()
    row = page.get_by_role("row", name="nia@acme.test")
    await expect(row).to_contain_text("Nia <b>New</b>")
    await row.get_by_role("button").click()
    await sheet.get_by_label("Active").uncheck()
    await sheet.get_by_role("button", name="Save").click()
    await expect(row).to_contain_text("inactive")
    amir.must_be_quiet()


async def test_the_numbers_can_be_read(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    await desk.claim(AMIR, handoff)
    await desk.escalate(BO, title="Other")
    amir = await sit(AMIR, "/analytics")
    await expect(amir.page.locator(".number").nth(1)).to_contain_text("50 %")
    chart = amir.page.get_by_role("img", name="Claims by person")
    await expect(chart).to_contain_text("Amir")
    async with amir.page.expect_download() as download:
        await amir.page.get_by_role("link", name="CSV").click()
    assert (await download.value).suggested_filename == "escalations.csv"
    amir.must_be_quiet()
