"""The queue in real browsers: rows appear, one claim wins, the loser is told in the row."""

import asyncio

from playwright.async_api import expect

from tests.browser.conftest import Sit
from tests.support.cast import AMIR, BO, CHEN, HUGO, VERA
from tests.support.desk import Desk


async def test_an_escalation_appears_within_a_second(desk: Desk, sit: Sit) -> None:
    amir, chen, hugo = await sit(AMIR), await sit(CHEN), await sit(HUGO)
    for screen in (amir, chen, hugo):
        await screen.until_live()
    await expect(amir.page.get_by_text("All calm")).to_be_visible()
    handoff = await desk.escalate(BO, title="VPN drops", priority="urgent")
    for screen in (amir, chen):
        await expect(screen.row(handoff)).to_be_visible(timeout=1000)
        await expect(screen.row(handoff)).to_contain_text("Urgent")
        await expect(screen.page).to_have_title("(1) Handoff")
        await expect(screen.row(handoff)).to_contain_text("You were told: everyone")
        await expect(screen.row(handoff)).to_contain_text("Round 1 of 5")
    await expect(amir.page.locator("#announcer")).to_contain_text("VPN drops")
    await expect(hugo.row(handoff)).to_have_count(0)
    for screen in (amir, chen, hugo):
        screen.must_be_quiet()


async def test_one_claim_wins_and_the_loser_reads_who(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    amir, chen = await sit(AMIR), await sit(CHEN)
    for screen in (amir, chen):
        await screen.until_live()
    # So that both have pressed before either hears of the other.
    for screen in (amir, chen):
        await screen.page.route("**/console/**", lambda route: route.abort())
    await asyncio.gather(amir.claim(handoff), chen.claim(handoff))
    await desk.until_handoff(handoff, status="claimed")
    for screen in (amir, chen):
        await screen.page.unroute("**/console/**")
        await screen.page.evaluate("dispatchEvent(new Event('online'))")
    winner = (await desk.see(handoff))["claimed_by"]["name"]
    won, lost = (amir, chen) if winner == "Amir" else (chen, amir)
    await expect(won.row(handoff)).to_contain_text("Yours")
    await expect(lost.row(handoff)).to_contain_text(f"Claimed by {winner}")
    await expect(lost.row(handoff).get_by_role("button")).to_have_count(0)
    await expect(lost.page).to_have_url(f"{desk.base_url}/")


async def test_a_row_that_leaves_says_why(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    amir = await sit(AMIR)
    await amir.until_live()
    await desk.claim(CHEN, handoff)
    await expect(amir.row(handoff)).to_contain_text("Claimed by Chen")
    await expect(amir.page.locator("[data-tab=claimed] .count")).to_have_text("1")
    await expect(amir.page).to_have_title("Handoff")


async def test_tabs_stand_in_the_address(desk: Desk, sit: Sit) -> None:
    claimed, parked = await desk.escalate(BO, title="First"), await desk.park(BO, title="Second")
    await desk.claim(AMIR, claimed)
    amir = await sit(AMIR)
    for tab, there, gone in (("mine", claimed, parked), ("parked", parked, claimed)):
        await amir.page.locator(f"[data-tab={tab}]").click()
        await expect(amir.row(there)).to_be_visible()
        await expect(amir.row(gone)).to_have_count(0)
        assert f"tab={tab}" in amir.page.url
    await amir.page.go_back()
    await expect(amir.row(claimed)).to_be_visible()
    await amir.page.reload()
    await expect(amir.row(claimed)).to_be_visible()


async def test_a_viewer_sees_and_cannot_act(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    vera = await sit(VERA)
    await expect(vera.row(handoff)).to_be_visible()
    await expect(vera.row(handoff).get_by_role("button")).to_have_count(0)
    await expect(vera.page.get_by_role("link", name="Hand off", exact=True)).to_have_count(0)


async def test_keys_move_open_and_claim(desk: Desk, sit: Sit) -> None:
    first = await desk.escalate(BO, title="First", priority="urgent")
    second = await desk.escalate(BO, title="Second", priority="low")
    amir = await sit(AMIR)
    await amir.until_live()
    keyboard = amir.page.keyboard
    for key, expected in (("j", first), ("j", second), ("k", first)):
        await keyboard.press(key)
        assert await amir.focused() == str(expected.id)
    await keyboard.press("c")
    await expect(amir.row(first)).to_contain_text("Yours")
    # Whatever has changed, the focus is where it was.
    assert await amir.focused() == str(first.id)
    await keyboard.press("?")
    await expect(amir.page.locator("#keys-dialog")).to_be_visible()
    await keyboard.press("Escape")
    await keyboard.press("/")
    assert await amir.focused() == "search"
    await keyboard.type("second")
    await expect(amir.row(first)).to_be_hidden()
    await expect(amir.row(second)).to_be_visible()
    await amir.page.locator("#search").fill("")
    await amir.row(first).get_by_role("link").focus()
    await keyboard.press("r")
    await expect(amir.page.locator("#resolve-dialog")).to_be_visible()


async def test_the_focus_is_never_taken(desk: Desk, sit: Sit) -> None:
    mine = await desk.escalate(BO, title="Mine", priority="low")
    amir = await sit(AMIR)
    await amir.until_live()
    await amir.row(mine).get_by_role("button").focus()
    other = await desk.escalate(BO, title="Other", priority="urgent")
    await expect(amir.row(other)).to_be_visible()
    assert await amir.focused() == str(mine.id)
    order = await amir.page.locator("#rows > .row").evaluate_all(
        "all => all.map(r => r.dataset.key)"
    )
    assert order == [str(other.id), str(mine.id)]


async def test_the_chime_rings_once_and_only_when_wanted(desk: Desk, sit: Sit) -> None:
    amir = await sit(AMIR)
    await amir.until_live()
    second = await amir.page.context.new_page()
    await second.goto("/")
    await desk.escalate(BO, title="Unheard")
    await expect(amir.page).to_have_title("(1) Handoff")
    await amir.page.get_by_role("button", name="Sound and notifications").click()
    await amir.page.get_by_label("Chime when somebody needs me").check()
    await amir.page.get_by_role("button", name="Done").click()
    await desk.escalate(BO, title="Heard")
    html = amir.page.locator("html")
    await expect(html).to_have_attribute("data-chimes", "1")
    await expect(second).to_have_title("(2) Handoff")
    await expect(second.locator("html")).not_to_have_attribute("data-chimes", "1")
