"""A claim link lives like every page: whoever comes too late reads who was first."""

import re

import pytest
from playwright.async_api import Route, expect

from tests.browser.conftest import Sit
from tests.support.cast import AMIR, BO, CHEN, Member
from tests.support.desk import Desk, Handoff


async def mailed(desk: Desk) -> tuple[Handoff, str]:
    """A handoff, and the link in Chen's mail."""
    handoff = await desk.escalate(BO)
    mail = await desk.expect_mail(CHEN, handoff)
    found = re.search(r"/c/\S+", mail.text)
    assert found is not None
    return handoff, found.group()


@pytest.mark.parametrize("who", [None, CHEN], ids=["nobody", "Chen"])
async def test_an_open_link_says_who_was_first(desk: Desk, sit: Sit, who: Member | None) -> None:
    handoff, link = await mailed(desk)
    screen = await sit(who, "/sign-in")
    if who is None:
        await screen.page.clock.install()
    await screen.page.goto(link)
    button = screen.page.locator(".button.strong", has_text="laim it")
    await expect(button).to_be_visible()
    if who is not None:
        await screen.until_live()
    await desk.claim(AMIR, handoff)
    if who is None:
        await screen.page.clock.run_for(11_000)
    await expect(screen.page.locator("#said")).to_have_text("Amir has it.")
    await expect(button).to_have_count(0)
    await desk.command(AMIR, handoff, "resolve", {"outcome": "fixed"})
    if who is None:
        await screen.page.clock.run_for(11_000)
    await expect(screen.page.locator("#said")).to_have_text("Amir has resolved it.")
    await screen.must_be_accessible()
    screen.must_be_quiet()


async def _no_piece(route: Route) -> None:
    if route.request.resource_type == "fetch":
        await route.abort()
    else:
        await route.continue_()


async def test_who_presses_too_late_sees_who_has_it(desk: Desk, sit: Sit) -> None:
    handoff, link = await mailed(desk)
    screen = await sit(CHEN, "/sign-in")
    # Nothing is heard or read any more, and the button still stands.
    for unheard in ("/events", "/console/pulse"):
        await screen.page.context.route(re.compile(unheard), lambda one: one.abort())
    await screen.page.context.route(re.compile("/c/"), _no_piece)
    await screen.page.goto(link)
    await desk.claim(AMIR, handoff)
    await screen.page.get_by_role("button", name="Claim it").click()
    await expect(screen.page.locator(".badge")).to_have_text("Claimed by Amir")


async def test_without_an_answer_the_link_says_how_old_it_is(desk: Desk, sit: Sit) -> None:
    _, link = await mailed(desk)
    nobody = await sit(None, "/sign-in")
    await nobody.page.clock.install()
    await nobody.page.goto(link)
    age = nobody.page.locator("#age")
    await nobody.page.context.route(re.compile("/c/"), _no_piece)
    await nobody.page.clock.run_for(15_000)
    await expect(age).to_be_empty()
    await nobody.page.clock.run_for(10_000)
    await expect(age).to_contain_text(re.compile(r"This is 2\d s old"))
    await nobody.must_be_accessible()
    await nobody.page.context.unroute(re.compile("/c/"))
    await nobody.page.clock.run_for(11_000)
    await expect(age).to_be_empty()
