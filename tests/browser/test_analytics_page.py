"""The analytics page: its numbers lead to what they count, and an outage is said."""

import re

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.conftest import Sit
from tests.support.cast import AMIR, BO, CHEN, OLIVE
from tests.support.desk import Desk

TITLES = (
    "Escalations by priority",
    "Escalations by team",
    "Claims by person",
    "Claimed at this moment",
    "Resolved by outcome",
    "Escalations by state",
)


async def links(page: Page) -> dict[str, int]:
    """Where numbers lead, with the number."""
    found = {}
    total = page.locator(".number").first
    address = await total.get_by_role("link").get_attribute("href")
    found[address or ""] = int(await total.locator(".big").inner_text())
    for title in TITLES:
        rows = page.get_by_role("group", name=title).locator("> g")
        for row in await rows.filter(has=page.locator("a")).all():
            address = await row.locator("a").get_attribute("href")
            said = await row.locator("title").first.text_content()
            number = re.search(r": (\d+)", said or "")
            assert number is not None, said
            found[address or ""] = int(number[1])
    return found


async def test_every_number_that_leads_somewhere_leads_to_what_it_counts(
    desk: Desk, sit: Sit
) -> None:
    await desk.park(BO, title="Parked", priority="urgent")
    for who, title, priority in (
        (CHEN, "Fixed", "urgent"),
        (AMIR, "Claimed", "urgent"),
        (OLIVE, "From hand to hand", "low"),
    ):
        handoff = await desk.escalate(BO, title=title, priority=priority)
        await desk.claim(who, handoff)
        if title == "Fixed":
            await desk.command(who, handoff, "resolve", {"outcome": "fixed"})
        if title == "From hand to hand":
            await desk.command(who, handoff, "release", {})
            await desk.claim(AMIR, handoff)
    await desk.escalate(AMIR, title="Of another kind of Amir's")
    amir = await sit(AMIR, "/analytics")
    await expect(amir.page.locator("[aria-busy=true]")).to_have_count(0)
    found = await links(amir.page)
    assert sorted(found.values(), reverse=True)[0] == 4
    for address, number in found.items():
        shown = await (await amir.page.request.get(address)).text()
        assert shown.count('<li class="find') == number, address
    # What is looked for besides is looked for among those.
    await amir.page.goto(next(one for one in found if "status=open" in one))
    await expect(amir.page.locator(".counted")).to_contain_text("Only escalations")
    await amir.page.locator("#q").fill("Nothing")
    await expect(amir.page.locator(".find")).to_have_count(0)
    assert "intent=escalate" in amir.page.url
    await amir.page.locator("#q").fill("kind")
    await expect(amir.page.locator(".find")).to_have_count(1)
    await amir.must_be_accessible()
    amir.must_be_quiet()


@pytest.mark.parametrize("what", ["the numbers", "the rows"])
async def test_what_cannot_be_read_is_said_and_asked_again(desk: Desk, sit: Sit, what: str) -> None:
    await desk.escalate(BO)
    amir = await sit(AMIR, "/analytics")
    await expect(amir.page.locator(".number .big").first).to_have_text("1")

    async def refuse(route: Route) -> None:
        await route.fulfill(status=503)

    await amir.page.route("**/analytics/escalations?*", refuse)
    problem = amir.page.locator("#problem")
    if what == "the rows":
        await amir.page.get_by_role("link", name="CSV").click()
        await expect(problem).to_have_text("The rows could not be fetched. Try again.")
        return
    await amir.page.locator("#span").select_option("7")
    await expect(problem).to_have_text("The numbers could not be read.")
    await expect(amir.page.locator(".number")).to_have_count(0)
    await amir.page.unroute("**/analytics/escalations?*")
    await amir.page.get_by_role("button", name="Try again").click()
    await expect(amir.page.locator(".number .big").first).to_have_text("1")
    await expect(problem).to_be_empty()
