"""What holds for every page: accessible by day and night, on a phone, under a strict policy."""

import re

import pytest
from playwright.async_api import expect

from api.console.shared.rendering import CONTENT_SECURITY_POLICY
from tests.browser.conftest import Sit
from tests.support.cast import AMIR, BO, CHEN, VERA
from tests.support.desk import Desk, Handoff

PHONE = {"width": 360, "height": 740}
PAGES = (
    "/",
    "/?tab=closed",
    "/search?q=vpn",
    "/closed",
    "/new",
    "/settings/notifications",
    "/settings/programs",
    "/settings/policy",
    "/settings/people",
    "/settings/account",
    "/settings/chat",
    "/settings/webhooks",
    "/analytics",
    "/handoffs/{id}",
)


async def scene(desk: Desk) -> Handoff:
    """Something of everything."""
    hook = {"url": "https://127.0.0.1:9/" + "a" * 200, "events": ["claimed", "resolved"]}
    assert (await desk.http(AMIR).post("/webhooks", json=hook)).status_code == 201
    resolved = await desk.escalate(BO, title="Solved", priority="low")
    await desk.claim(AMIR, resolved)
    await desk.command(AMIR, resolved, "resolve", {"outcome": "fixed", "note": "Done."})
    await desk.park(BO, title="Parked", priority="high")
    claimed = await desk.escalate(BO, title="Claimed")
    await desk.claim(CHEN, claimed)
    notes = "What I see.\n" + "averyveryverylongwordwithoutanyspace" * 8
    return await desk.escalate(
        BO, title="VPN drops", priority="urgent", engineer_notes=notes, context={"a": {"b": 1}}
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing(desk: Desk, sit: Sit, scheme: str) -> None:
    handoff = await scene(desk)
    amir = await sit(AMIR, color_scheme=scheme, reduced_motion="reduce")
    for path in PAGES:
        await amir.page.goto(path.format(id=handoff.id))
        await expect(amir.page.locator("[aria-busy=true]")).to_have_count(0)
        await amir.until_live()
        await amir.must_be_accessible()
    await amir.page.get_by_role("button", name="Claim").click()
    await amir.page.get_by_role("button", name="Resolve").click()
    await amir.must_be_accessible()
    amir.must_be_quiet()


@pytest.mark.desk(embedded=True)
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_outside(desk: Desk, sit: Sit, scheme: str) -> None:
    nobody = await sit(None, "/sign-in", color_scheme=scheme)
    await nobody.must_be_accessible()
    await nobody.page.goto("/docs")
    await nobody.page.get_by_text("createHandoff").click()
    await nobody.must_be_accessible()
    nobody.must_be_quiet()
    vera = await sit(VERA, "/settings/people", color_scheme=scheme)
    await expect(vera.page.get_by_role("heading", level=1)).to_contain_text("role")
    await vera.must_be_accessible()


async def test_nothing_is_cut_off_on_a_phone(desk: Desk, sit: Sit) -> None:
    handoff = await scene(desk)
    amir = await sit(AMIR, viewport=PHONE)
    for path in PAGES:
        await amir.page.goto(path.format(id=handoff.id))
        await expect(amir.page.locator("[aria-busy=true]")).to_have_count(0)
        width = await amir.page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["width"], path


async def test_the_header_is_one_row_on_a_phone_and_every_tab_fits(desk: Desk, sit: Sit) -> None:
    handoff = await scene(desk)
    amir = await sit(AMIR, viewport=PHONE)
    for path in PAGES:
        await amir.page.goto(path.format(id=handoff.id))
        await amir.until_live()
        box = await amir.page.locator(".top").bounding_box()
        assert box is not None
        assert box["height"] <= 56, path
        for strip in await amir.page.locator(".tabs").all():
            hidden = await strip.evaluate("one => one.scrollWidth - one.clientWidth")
            assert hidden <= 0, path
    await amir.page.goto("/")
    search = await amir.page.locator("#search").bounding_box()
    assert search is not None
    assert search["width"] > 300


async def test_what_one_taps_is_large_enough(desk: Desk, sit: Sit) -> None:
    handoff = await scene(desk)
    amir = await sit(AMIR, viewport=PHONE, has_touch=True)
    small = """all => all.filter(one => one.checkVisibility() && !one.closest("p, .what, .menu")
      && one.getBoundingClientRect().height < 40).map(one => one.outerHTML)"""
    for path in PAGES:
        await amir.page.goto(path.format(id=handoff.id))
        await expect(amir.page.locator("[aria-busy=true]")).to_have_count(0)
        controls = amir.page.locator("main button, main a, .top button, .top a, .choice, .switch")
        assert await controls.evaluate_all(small) == [], path


async def test_a_long_title_takes_two_lines_in_a_list(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO, title="An endless tale of a tunnel that drops " * 5)
    await desk.until_handoff(handoff, round=1)
    amir = await sit(AMIR, viewport=PHONE)
    title = amir.row(handoff).get_by_role("link")
    lines = (
        "one => one.getBoundingClientRect().height / parseFloat(getComputedStyle(one).lineHeight)"
    )
    assert round(await title.evaluate(lines)) == 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_claim_link_tells_how_long_somebody_has_waited(
    desk: Desk, sit: Sit, scheme: str
) -> None:
    handoff = await desk.escalate(BO, title="VPN drops", priority="urgent")
    mail = await desk.expect_mail(CHEN, handoff)
    found = re.search(r"/c/\S+", mail.text)
    assert found is not None
    for who in (None, CHEN):
        screen = await sit(who, found.group(), color_scheme=scheme, viewport=PHONE)
        facts = screen.page.locator("main dl")
        await expect(facts).to_contain_text("Waiting for")
        await expect(facts).to_contain_text("1 of 5")
        await expect(facts).to_contain_text(re.compile(r"Next call\s*in 4:\d\d"))
        button = screen.page.locator(".button.strong", has_text="laim it")
        box = await button.bounding_box()
        assert box is not None
        assert box["width"] > 320
        await screen.must_be_accessible()
        screen.must_be_quiet()
    await screen.page.get_by_role("button", name="Claim it").click()
    await expect(screen.page.locator(".badge")).to_have_text("Claimed by you")


async def test_an_unknown_address_is_a_page_for_browsers_alone(desk: Desk, sit: Sit) -> None:
    amir = await sit(AMIR)
    for path in ("/nonsense", "/settings/nonsense", "/handoffs/nonsense", "/sign-out"):
        await amir.page.goto(path)
        await expect(amir.page.get_by_role("heading", level=1)).to_have_text("Page not found")
        await expect(amir.page.get_by_role("link", name="Settings")).to_be_visible()
        await amir.until_live()
        await amir.must_be_accessible()
    stranger = await sit(None, "/nonsense")
    await expect(stranger.page.get_by_role("link", name="To the queue")).to_be_visible()
    browsers = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    for accept, path in (
        ("*/*", "/nonsense"),
        ("application/json", "/nonsense"),
        ("application/json, text/html;q=0.5", "/nonsense"),
        (browsers, "/ai-sessions/a/b/c"),
        (browsers, "/policy/nonsense"),
    ):
        answer = await desk.http().get(path, headers={"Accept": accept})
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json", (accept, path)


async def test_who_may_not_see_a_page_can_go_on_from_there(desk: Desk, sit: Sit) -> None:
    vera = await sit(VERA, "/settings/people")
    await expect(vera.page.get_by_role("heading", level=1)).to_contain_text("role")
    await vera.page.get_by_role("link", name="Queue", exact=True).click()
    await expect(vera.page.get_by_role("heading", level=1)).to_have_text("Queue")


async def test_the_api_can_be_read(desk: Desk, sit: Sit) -> None:
    amir = await sit(AMIR, viewport=PHONE)
    await amir.page.locator("header .me summary").click()
    await amir.page.get_by_role("link", name="API").click()
    about = amir.page.locator(".reference-about")
    await expect(about).to_contain_text("claimed by exactly one.", use_inner_text=True)
    await expect(about).not_to_contain_text("`")
    await amir.page.get_by_text("createHandoff").click()
    operation = amir.page.locator("#createHandoff")
    await expect(operation).to_contain_text("engineer_notes")
    await expect(operation).to_contain_text("escalate, park, required")
    # A path breaks before a slash and nowhere else.
    parts = operation.locator(".path span")
    heights = await parts.evaluate_all("all => all.map(one => one.getClientRects().length)")
    assert set(heights) == {1}
    await expect(amir.page.get_by_role("link", name="Queue")).to_be_visible()
    amir.must_be_quiet()


async def test_pages_bear_their_headers(desk: Desk, sit: Sit) -> None:
    amir = await sit(AMIR)
    for path in ("/", "/new", "/sign-in"):
        response = await amir.page.goto(path)
        assert response is not None
        headers = await response.all_headers()
        assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert "unsafe" not in CONTENT_SECURITY_POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
        assert "permissions-policy" in headers


async def test_the_skip_link_comes_first(desk: Desk, sit: Sit) -> None:
    amir = await sit(AMIR)
    await amir.page.keyboard.press("Tab")
    await expect(amir.page.locator(".skip")).to_be_focused()
    await amir.page.keyboard.press("Enter")
    await expect(amir.page.locator("#main")).to_be_focused()
