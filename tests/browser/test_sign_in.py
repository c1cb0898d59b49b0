"""Signing in: by the identity provider, by one click on one's own machine; what is refused."""

import contextlib
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.async_api import BrowserContext, expect
from playwright.async_api import Error as PlaywrightError

from handoff.contract.words import Role
from handoff.database.directory.importing import AccountEntry, Directory, UserEntry, bring_in
from tests.browser.conftest import Sit
from tests.browser.screens import sign_in
from tests.support.cast import ACME, AMIR, BO, Member
from tests.support.desk import Desk
from tests.support.provider import move_to_provider, running_provider

THE_MOCK = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def provider() -> Iterator[str]:
    with running_provider() as address:
        yield address


async def deactivate(desk: Desk, who: Member) -> None:
    user = UserEntry(id=who.id, email=who.email, name=who.name, role=Role.ADMIN, is_active=False)
    await bring_in(
        desk.database, Directory(accounts=[AccountEntry(id=ACME, name="Acme", users=[user])])
    )


@THE_MOCK
@pytest.mark.parametrize("claimed", [str(AMIR.id), AMIR.email])
async def test_by_the_identity_provider(desk: Desk, sit: Sit, provider: str, claimed: str) -> None:
    await move_to_provider(desk, provider)
    user = {"sub": claimed, "email": AMIR.email, "email_verified": True}
    async with httpx.AsyncClient(base_url=provider, trust_env=False) as administrator:
        (await administrator.put(f"/users/{claimed}", json=user)).raise_for_status()
    screen = await sit(None, "/?tab=parked")
    page = screen.page
    await expect(page).to_have_url(f"{desk.base_url}/sign-in?next=%2F%3Ftab%3Dparked")
    await page.get_by_role("link", name="Sign in with").click()
    asked = urlsplit(page.url).query
    assert "code_challenge_method=S256" in asked
    await page.locator("input[name=sub]").fill(claimed)
    await page.get_by_role("button", name="Authorize").click()
    await expect(page).to_have_url(f"{desk.base_url}/?tab=parked")
    await expect(page.locator(".me .name")).to_have_text("Amir")


@THE_MOCK
async def test_an_unknown_person_stays_outside(desk: Desk, sit: Sit, provider: str) -> None:
    await move_to_provider(desk, provider)
    page = (await sit(None, "/")).page
    await page.get_by_role("link", name="Sign in with").click()
    await page.locator("input[name=sub]").fill("stranger")
    await page.get_by_role("button", name="Authorize").click()
    await expect(page.get_by_role("alert")).to_contain_text("did not work")


async def test_an_answer_that_nobody_asked_for_is_refused(desk: Desk, provider: str) -> None:
    await move_to_provider(desk, provider)
    answer = await desk.http().get("/sign-in/callback?code=stolen&state=forged")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?failed=1"
    assert "set-cookie" not in answer.headers


@pytest.mark.desk(embedded=True)
async def test_one_click_on_ones_own_machine(desk: Desk, sit: Sit) -> None:
    page = (await sit(None, "/")).page
    await expect(page.get_by_role("button", name="Zoe")).to_have_count(0)
    await page.get_by_role("button", name="Bo engineer").click()
    await expect(page.locator(".me .name")).to_have_text("Bo")
    cookie = (await page.context.cookies())[0]
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    await page.locator("header .me summary").click()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("button", name="Bo engineer")).to_be_visible()
    assert await page.context.cookies() == []


async def test_one_click_is_refused_elsewhere(desk: Desk) -> None:
    answer = await desk.http().post(
        "/sign-in/as", data={"user_id": str(BO.id)}, headers={"Origin": desk.base_url}
    )
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    shown = await desk.http().get("/sign-in")
    assert str(BO.id) not in shown.text


@pytest.mark.desk(embedded=True)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.test"},
        {},
        {"Origin": "null"},
        {"Host": "evil.test", "Origin": "http://evil.test"},
    ],
)
async def test_one_click_needs_our_own_page(desk: Desk, headers: dict[str, str]) -> None:
    answer = await desk.http().post("/sign-in/as", data={"user_id": str(BO.id)}, headers=headers)
    assert answer.status_code == 403


@pytest.mark.desk(embedded=True)
@pytest.mark.parametrize("path", ["/sign-in", "/", "/ai-sessions", "/livez", "/static/nothing"])
async def test_a_name_that_only_leads_here_shows_nothing(desk: Desk, path: str) -> None:
    answer = await desk.http(BO).get(path, headers={"Host": "evil.test"})
    assert answer.status_code == 403
    assert BO.name not in answer.text


@pytest.mark.parametrize(
    "wanted", ["//evil.test", "https://evil.test", "/\\evil.test", "/sign-out"]
)
async def test_a_sign_in_never_leads_elsewhere(desk: Desk, wanted: str) -> None:
    shown = await desk.http().get("/sign-in", params={"next": wanted})
    assert "evil" not in shown.text


async def _cookie(desk: Desk, contexts: list[BrowserContext], sit: Sit, who: Member) -> str:
    screen = await sit(who)
    await sign_in(desk, screen.page.context, who)
    cookie = (await screen.page.context.cookies())[0]
    return f"{cookie['name']}={cookie['value']}"


async def test_changes_by_cookie_come_from_our_own_pages(
    desk: Desk, contexts: list[BrowserContext], sit: Sit
) -> None:
    handoff = await desk.escalate(BO)
    cookie = {"Cookie": await _cookie(desk, contexts, sit, AMIR)}
    for origin in ({}, {"Origin": "https://evil.test"}, {"Origin": "null"}):
        answer = await desk.http().post(f"{handoff.path}/claim", headers={**cookie, **origin})
        assert answer.status_code == 403
    ours = {**cookie, "Origin": desk.base_url}
    assert (await desk.http().post(f"{handoff.path}/claim", headers=ours)).status_code == 200


async def test_the_cookie_is_no_token_and_a_token_no_cookie(
    desk: Desk, contexts: list[BrowserContext], sit: Sit
) -> None:
    name, _, value = (await _cookie(desk, contexts, sit, AMIR)).partition("=")
    for headers in (
        {"Authorization": f"Bearer {value}"},
        {"Cookie": f"{name}={desk.token(AMIR)}"},
        {"Cookie": f"{name}={value[:-2]}AA"},
    ):
        assert (await desk.http().get("/me", headers=headers)).status_code == 401


async def test_who_is_deactivated_is_out_at_once(desk: Desk, sit: Sit) -> None:
    amir = await sit(AMIR)
    await amir.until_live()
    await deactivate(desk, AMIR)
    # The page may have left by itself before it is asked to look.
    with contextlib.suppress(PlaywrightError):
        await amir.page.evaluate("dispatchEvent(new Event('online'))")
    await expect(amir.page).to_have_url(f"{desk.base_url}/sign-in?next=%2F")
