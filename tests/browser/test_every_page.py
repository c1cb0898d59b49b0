"""What holds for every page: accessible by day and night, on a phone, under a strict policy."""

import pytest
from playwright.async_api import expect

from api.console.rendering import CONTENT_SECURITY_POLICY
from tests.browser.conftest import Sit
from tests.support.cast import AMIR, BO, CHEN, VERA
from tests.support.desk import Desk, Handoff

PHONE = {"width": 360, "height": 740}
PAGES = (
    "/",
    "/?tab=closed",
    "/new",
    "/settings/notifications",
    "/settings/policy",
    "/settings/people",
    "/analytics",
    "/handoffs/{id}",
)


async def scene(desk: Desk) -> Handoff:
    """Something of everything."""
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


async def test_pages_bear_their_headers(desk: Desk, sit: Sit) -> None:
    amir = await sit(AMIR)
    for path in ("/", "/new", "/sign-in"):
        response = await amir.page.goto(path)
        assert response is not None
        headers = await response.all_headers()
        assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert "unsafe" not in CONTENT_SECURITY_POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert "permissions-policy" in headers
    asset = await desk.http().get("/static/queue.js")
    assert asset.headers["cache-control"] == "public, max-age=60"
    same = await desk.http().get(
        "/static/queue.js", headers={"If-None-Match": asset.headers["etag"]}
    )
    assert same.status_code == 304


async def test_the_skip_link_comes_first(desk: Desk, sit: Sit) -> None:
    amir = await sit(AMIR)
    await amir.page.keyboard.press("Tab")
    await expect(amir.page.locator(".skip")).to_be_focused()
    await amir.page.keyboard.press("Enter")
    await expect(amir.page.locator("#main")).to_be_focused()
