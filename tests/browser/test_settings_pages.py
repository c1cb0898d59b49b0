"""Settings and analytics through the page: what is chosen there is what the API knows."""

import os
from pathlib import Path

from playwright.async_api import Route, expect

from tests.browser.conftest import Sit
from tests.support import history
from tests.support.cast import AMIR, BO, CHEN, OLIVE, VERA
from tests.support.desk import Desk


async def test_my_notifications(desk: Desk, sit: Sit) -> None:
    chen = await sit(CHEN, "/settings/notifications", timezone_id="Europe/Berlin")
    page = chen.page
    await page.get_by_label("Email: minimum priority").select_option("High")
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
    preview = page.locator("#preview")
    await expect(preview).to_contain_text("Round 2, after 1 min 30 s")
    await second.get_by_label("Rounds of this level").fill("4")
    await expect(preview).to_contain_text("Rounds 2–5, after 1 min 30 s and then every 15 min")
    await expect(preview.locator("li.moment")).to_have_count(3)
    await second.get_by_label("Rounds of this level").fill("1")
    await page.get_by_label("Hold mail back").fill("20s")
    await expect(second.get_by_label("Every owner")).to_be_checked()
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()
    known = (await desk.http(OLIVE).get("/policy")).json()
    assert [level["wait"]["normal"] for level in known["levels"]] == [90, 900]
    assert known["email_delay"] == 20
    for box, value, said in (
        (second.locator("[data-wait=urgent]"), "1s", "Level 2, Urgent: a wait of 1 s"),
        (first.locator("[data-wait=normal]"), "nonsense", "Level 1, Normal: must be a duration"),
        (page.get_by_label("Hold mail back"), "5m", "Hold mail back: holds mail back for"),
    ):
        before = await box.input_value()
        await box.fill(value)
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator("#problem")).to_contain_text(said)
        await expect(box).to_have_attribute("aria-invalid", "true")
        await expect(box).to_be_focused()
        await box.fill(before)
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("[aria-invalid]")).to_have_count(0)
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
    await page.locator("#sure").get_by_role("button", name="Deactivate").click()
    await expect(row).to_contain_text("inactive")
    amir.must_be_quiet()


async def test_who_deactivates_somebody_hears_first_what_returns_to_the_queue(
    desk: Desk, sit: Sit
) -> None:
    handoff = await desk.escalate(BO, title="Rekey fails")
    assert (await desk.claim(CHEN, handoff)).status_code == 200
    amir = await sit(AMIR, "/settings/people")
    page, sheet, sure = amir.page, amir.page.locator("#person"), amir.page.locator("#sure")
    await page.get_by_role("button", name="Change Chen").click()
    await sheet.get_by_label("Role").select_option("viewer")
    await sheet.get_by_role("button", name="Save").click()
    await expect(sure).to_contain_text("Make a viewer of Chen?")
    await expect(sure).to_contain_text("Back in the queue: «Rekey fails».")
    await sure.get_by_role("button", name="Keep").click()
    assert (await desk.see(handoff))["status"] == "claimed"


async def test_all_that_returns_is_named_or_that_it_cannot_be_read(desk: Desk, sit: Sit) -> None:
    for title in ("First", "Second", "Third"):
        assert (await desk.claim(CHEN, await desk.escalate(BO, title=title))).status_code == 200
    amir = await sit(AMIR, "/settings/people")
    page, sheet, sure = amir.page, amir.page.locator("#person"), amir.page.locator("#sure")

    async def page_by_page(route: Route) -> None:
        await route.continue_(url=route.request.url.replace("limit=200", "limit=1"))

    async def refuse(route: Route) -> None:
        await route.fulfill(status=503)

    listed = "**/ai-sessions/handoffs?*"
    for handler, said in (
        (page_by_page, "Back in the queue: «Third», «Second», «First»."),
        (refuse, "Which handoffs those are cannot be read now."),
    ):
        await page.route(listed, handler)
        await page.get_by_role("button", name="Change Chen").click()
        await sheet.get_by_label("Active").uncheck()
        await sheet.get_by_role("button", name="Save").click()
        await expect(sure).to_contain_text(said)
        await sure.get_by_role("button", name="Keep").click()
        await page.unroute(listed)


async def test_the_default_policy_is_asked_about_and_so_is_leaving_an_unsaved_one(
    desk: Desk, sit: Sit
) -> None:
    olive = await sit(OLIVE, "/settings/policy")
    page, sure = olive.page, olive.page.locator("#sure")
    await expect(page.locator("#standing")).to_contain_text("default")
    await page.get_by_role("button", name="Add a level").click()
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()
    await page.get_by_role("button", name="Back to the default").click()
    await sure.get_by_role("button", name="Keep").click()
    await expect(page.locator(".level")).to_have_count(2)
    await page.get_by_role("button", name="Back to the default").click()
    await sure.get_by_role("button", name="Back to the default").click()
    await expect(page.get_by_text("The default holds again.")).to_be_visible()
    await page.get_by_role("button", name="Add a level").click()
    async with page.expect_event("dialog") as asked:
        await page.evaluate("setTimeout(() => location.assign('/'))")
    assert (await asked.value).type == "beforeunload"
    await (await asked.value).dismiss()
    await expect(page.locator(".level")).to_have_count(2)


async def test_a_person_is_deleted_after_a_second_question(desk: Desk, sit: Sit) -> None:
    amir = await sit(AMIR, "/settings/people")
    page, sheet, sure = amir.page, amir.page.locator("#person"), amir.page.locator("#sure")
    await page.get_by_role("button", name="Change Chen").click()
    await expect(sheet.get_by_role("heading")).to_have_text("Chen")
    await sheet.get_by_role("button", name="Delete").click()
    await expect(sure).to_contain_text("Delete Chen?")
    await expect(sure).to_contain_text("What they have claimed goes back to the queue")
    await amir.must_be_accessible()
    await sure.get_by_role("button", name="Keep").click()
    await expect(page.get_by_role("row", name="chen@acme.test")).to_be_visible()
    await page.get_by_role("button", name="Change Chen").click()
    await sheet.get_by_role("button", name="Delete").click()
    await sure.get_by_role("button", name="Delete Chen").click()
    await expect(page.get_by_role("row", name="chen@acme.test")).to_have_count(0)
    await page.locator("#teams").get_by_role("button", name="Billing").click()
    await page.locator("#team-sheet").get_by_role("button", name="Delete").click()
    await expect(sure).to_contain_text("of no team afterwards")
    await sure.get_by_role("button", name="Delete Billing").click()
    await expect(page.locator("#teams").get_by_role("button")).to_have_count(1)
    amir.must_be_quiet()


async def test_people_are_cards_on_a_phone(desk: Desk, sit: Sit) -> None:
    amir = await sit(AMIR, "/settings/people", viewport={"width": 360, "height": 740})
    row = amir.page.locator("#people tr").first
    await expect(row).to_be_visible()
    for cell in await row.locator("td").all():
        box = await cell.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= 360


async def test_a_viewer_reads_that_nobody_calls_them(desk: Desk, sit: Sit) -> None:
    vera = await sit(VERA, "/settings/notifications")
    await expect(vera.page.get_by_text("never called")).to_be_visible()
    await expect(vera.page.locator("form.form")).to_have_count(0)
    await vera.must_be_accessible()
    vera.must_be_quiet()


async def test_charts_fit_a_phone_and_today_is_on_them(desk: Desk, sit: Sit) -> None:
    waits, claimed = await desk.escalate(BO), await desk.escalate(BO, title="Claimed")
    await desk.claim(AMIR, claimed)
    await desk.until_handoff(waits, round=1)
    amir = await sit(AMIR, "/analytics", viewport={"width": 360, "height": 740})
    chart = amir.page.get_by_role("img", name="Escalations per day")
    for days in ("7", "30", "365"):
        await amir.page.locator("#span").select_option(days)
        await expect(amir.page.locator("[aria-busy=true]")).to_have_count(0)
        for kind in ("claimed", "still-waiting"):
            bar = chart.locator(f".part.{kind}")
            await expect(bar).to_have_count(1)
            box = await desk.until(bar.bounding_box)
            assert 200 < box["x"] < box["x"] + box["width"] <= 360
        await expect(chart.locator(".part.unanswered-at-the-end")).to_have_count(0)
        text = await desk.until(chart.locator("text").last.bounding_box)
        assert text["height"] >= 12
    swatches = amir.page.locator(".swatch")
    colours = await swatches.evaluate_all("all => all.map(one => getComputedStyle(one).background)")
    assert len(set(colours)) == 4


async def test_the_numbers_can_be_read(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    await desk.claim(AMIR, handoff)
    await desk.escalate(BO, title="Other")
    amir = await sit(AMIR, "/analytics")
    await expect(amir.page.locator(".number").nth(1)).to_contain_text("50 %")
    chart = amir.page.get_by_role("group", name="Claims by person")
    await expect(chart).to_contain_text("Amir")
    week = amir.page.get_by_role("table", name="Escalations by hour of the week")
    await expect(week.locator("[data-heat]")).to_have_text("2")
    now = amir.page.get_by_role("group", name="Claimed at this moment")
    await expect(now).to_contain_text("Amir")
    await amir.must_be_accessible()
    if place := os.environ.get("PICTURES"):
        await amir.page.screenshot(path=Path(place) / "analytics.png", full_page=True)
        await amir.page.emulate_media(color_scheme="dark")
        await amir.must_be_accessible()
        await amir.page.screenshot(path=Path(place) / "analytics-dark.png", full_page=True)
    async with amir.page.expect_download() as download:
        await amir.page.get_by_role("link", name="CSV").click()
    assert (await download.value).suggested_filename == "escalations.csv"
    amir.must_be_quiet()


async def test_a_program_in_ones_name_waits_for_a_yes(desk: Desk, sit: Sit) -> None:
    made = []
    for name in ("Nightly report", "<b>Old</b> bot"):
        body = {"name": name, "scopes": ["sessions:read"], "user_id": str(CHEN.id)}
        answer = await desk.http(OLIVE).post("/api-tokens", json=body)
        assert answer.status_code == 201, answer.text
        made.append(answer.json())
    program = {"Authorization": f"Bearer {made[0]['token']}"}
    chen = await sit(CHEN, "/settings/programs")
    page = chen.page
    rows = page.locator("#programs > li")
    await expect(rows).to_have_count(2)
    report = rows.filter(has_text="Nightly report")
    await expect(report).to_contain_text("Made by Olive")
    await expect(report).to_contain_text("It waits for your yes.")
    assert (await desk.http().get("/ai-sessions", headers=program)).status_code == 403
    await report.get_by_role("button", name="Allow").click()
    await expect(report).not_to_contain_text("It waits for your yes.")
    assert (await desk.http().get("/ai-sessions", headers=program)).status_code == 200
    await chen.must_be_accessible()
    await rows.filter(has_text="<b>Old</b> bot").get_by_role("button", name="Refuse").click()
    await page.get_by_role("button", name="Keep").click()
    await expect(rows).to_have_count(2)
    await report.get_by_role("button", name="End").click()
    await page.get_by_role("button", name="End it").click()
    await expect(rows).to_have_count(1)
    assert (await desk.http().get("/ai-sessions", headers=program)).status_code == 401
    chen.must_be_quiet()


async def test_without_a_program_the_page_says_so(desk: Desk, sit: Sit) -> None:
    vera = await sit(VERA, "/settings")
    await vera.page.get_by_role("link", name="My programs").click()
    await expect(vera.page.get_by_text("No program acts in your name.")).to_be_visible()
    await expect(vera.page.get_by_role("link", name="People")).to_have_count(0)
    vera.must_be_quiet()


async def test_a_webhook_is_made_tested_rotated_and_deleted(desk: Desk, sit: Sit) -> None:
    amir = await sit(AMIR, "/settings/webhooks")
    page = amir.page
    await expect(page.get_by_text("No program follows this account.")).to_be_visible()
    await page.get_by_role("button", name="Add a webhook").click()
    await page.get_by_label("Address").fill("https://127.0.0.1:9/hook")
    await page.get_by_label("What it is for").fill("<b>The</b> board")
    await page.get_by_label("Only these events").select_option(["claimed"])
    await page.get_by_role("button", name="Save").click()
    secret = page.locator("#secret-itself")
    await expect(secret).to_contain_text("whsec_")
    await amir.must_be_accessible()
    first = await secret.text_content()
    await page.get_by_role("button", name="I have it").click()
    row = page.locator("#webhooks > li")
    await expect(row).to_contain_text("<b>The</b> board")
    await expect(row).to_contain_text("Only claimed.")
    await row.get_by_role("button", name="Test").click()
    await expect(row.get_by_role("status")).to_contain_text("Not taken: address refused")
    await row.get_by_text("Last attempts").click()
    await expect(row.get_by_role("cell", name="address refused")).to_be_visible()
    await row.get_by_role("button", name="Rotate the secret").click()
    await expect(secret).not_to_have_text(first or "")
    await page.get_by_role("button", name="I have it").click()
    await row.get_by_role("button", name="Replay from here").click()
    await expect(row.get_by_role("status")).to_contain_text("comes again")
    if place := os.environ.get("PICTURES"):
        await page.screenshot(path=Path(place) / "webhooks.png", full_page=True)
    await history.sql(desk, "UPDATE webhooks SET disabled_at = now(), told_at = now()")
    await page.reload()
    # What is disabled has to be enabled before it can go back.
    await expect(row.get_by_role("button", name="Enable")).to_be_visible()
    await expect(row.get_by_role("button", name="Replay from here")).to_have_count(0)
    await row.get_by_role("button", name="Enable").click()
    await expect(row.get_by_role("button", name="Replay from here")).to_be_visible()
    await row.get_by_role("button", name="Change").click()
    await page.get_by_role("button", name="Delete").click()
    await expect(row).to_have_count(0)
    amir.must_be_quiet()


async def test_a_chat_is_connected_and_disconnected(desk: Desk, sit: Sit) -> None:
    olive = await sit(OLIVE, "/settings/chat")
    slack = olive.page.locator("#slack")
    await slack.get_by_label("Network").fill("C0NETWORK")
    # Left out, so that it can be seen to be asked for.
    await slack.get_by_label("Bot token").fill("xoxb-a-token")
    await slack.get_by_role("button", name="Connect").click()
    await expect(slack.get_by_role("alert")).to_contain_text("signing_secret")
    await slack.get_by_label("Signing secret").fill("a-signing-secret")
    await slack.get_by_role("button", name="Connect").click()
    await expect(slack.get_by_role("status")).to_contain_text("Connected")
    await expect(slack.get_by_label("Bot token")).to_have_value("")
    await olive.page.reload()
    await expect(slack.get_by_label("Network")).to_have_value("C0NETWORK")
    await slack.get_by_role("button", name="Disconnect").click()
    await expect(slack.get_by_role("status")).to_contain_text("Disconnected")
    assert (await desk.http(OLIVE).get("/integrations/slack")).status_code == 404
