"""The queue in real browsers: rows appear, one claim wins, the loser is told in the row."""

import asyncio

import pytest
from playwright.async_api import Route, expect

from tests.browser.conftest import Sit
from tests.support.cast import AMIR, BILLING, BO, CHEN, HUGO, VERA
from tests.support.desk import Desk, Handoff


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
        await expect(screen.row(handoff)).to_contain_text("Everyone was called")
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


async def test_what_has_closed_says_by_whom(desk: Desk, sit: Sit) -> None:
    resolved, cancelled = await desk.escalate(BO, title="First"), await desk.escalate(BO)
    amir = await sit(AMIR)
    await amir.until_live()
    await desk.claim(CHEN, resolved)
    await desk.command(CHEN, resolved, "resolve", {"outcome": "fixed"})
    await desk.command(AMIR, cancelled, "cancel")
    for _ in ("the rows that leave", "the list of what has closed"):
        await expect(amir.row(resolved)).to_contain_text("Resolved by Chen: Fixed")
        await expect(amir.row(cancelled)).to_contain_text("Cancelled by you")
        await amir.page.locator("[data-tab=closed]").click()


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


@pytest.mark.expects_errors
async def test_a_list_that_cannot_be_read_is_read_when_it_can(desk: Desk, sit: Sit) -> None:
    waiting, parked = await desk.escalate(BO, title="First"), await desk.park(BO, title="Second")
    amir = await sit(AMIR)
    await amir.until_live()
    refusals: list[str] = []

    async def refuse(route: Route) -> None:
        refusals.append(route.request.url)
        await (route.fulfill(status=503) if len(refusals) == 1 else route.continue_())

    await amir.page.route("**/console/board?*", refuse)
    await amir.page.locator("[data-tab=parked]").click()
    await expect(amir.row(parked)).to_be_visible()
    # Of the other list nothing stays, as if it had left.
    await expect(amir.row(waiting)).to_have_count(0)
    assert len(refusals) > 1


async def test_more_than_can_be_looked_for_is_cut(desk: Desk, sit: Sit) -> None:
    amir = await sit(AMIR)
    await amir.page.locator("#search").fill("x")
    await expect(amir.page.locator("#search")).to_have_attribute("maxlength", "200")
    answer = await desk.http(AMIR).get("/console/board", params={"q": "x" * 500})
    assert answer.status_code == 200


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
    await expect(amir.page.locator("#held button")).to_be_visible()
    await amir.page.keyboard.press("n")
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


async def test_of_sixty_rows_the_claimed_one_stays_and_keeps_the_focus(
    desk: Desk, sit: Sit
) -> None:
    first = await desk.park(BO, title="The longest waiting")
    # A few at a time, so that each is recorded at once.
    for start in range(1, 60, 5):
        some = range(start, min(start + 5, 60))
        await asyncio.gather(*(desk.park(BO, title=f"Number {one}") for one in some))
    amir = await sit(AMIR, "/?tab=parked")
    await amir.until_live()
    await expect(amir.page.locator("#rows > .row")).to_have_count(60)
    await amir.row(first).get_by_role("button", name="Take it up").click()
    await expect(amir.row(first)).to_contain_text("Yours")
    assert await amir.focused() == str(first.id)


async def of_another_team(desk: Desk) -> Handoff:
    """An escalation of billing's, of which the account's policy tells everybody."""
    session_id = await desk.start_session(BO, title="Invoice run", team_id=str(BILLING))
    answer = await desk.hand_off(session_id, BO)
    handoff = Handoff(answer.json()["id"], session_id, BO)
    await desk.until_handoff(handoff, round=1)
    return handoff


async def test_a_call_that_reached_me_stands_in_my_list_whatever_its_team(
    desk: Desk, sit: Sit
) -> None:
    handoff = await of_another_team(desk)
    chen, bo = await sit(CHEN), await sit(BO)
    await expect(chen.row(handoff)).to_contain_text("Everyone was called")
    await expect(chen.page.locator("[data-tab=waiting] .count")).to_have_text("1")
    await expect(chen.page).to_have_title("(1) Handoff")
    # Nobody has called Bo, who is of another team.
    await expect(bo.row(handoff)).to_have_count(0)
    await expect(bo.page.locator("[data-tab=waiting] .count")).to_have_text("0")


async def test_what_is_passed_to_me_comes_first_and_says_until_when(desk: Desk, sit: Sit) -> None:
    passed = await desk.escalate(BO, title="Passed on", priority="low")
    await desk.claim(AMIR, passed)
    await desk.command(AMIR, passed, "transfer", {"to": str(CHEN.id)})
    other = await desk.escalate(BO, title="Other", priority="urgent")
    chen, amir = await sit(CHEN), await sit(AMIR, "/?tab=mine")
    for tab in ("waiting", "mine"):
        await chen.page.locator(f"[data-tab={tab}]").click()
        row = chen.page.locator("#rows > .row").first
        await expect(row).to_contain_text("Passed on")
        await expect(row).to_contain_text("Amir passes this to you")
        await expect(row).to_contain_text("claim within 9:")
    await expect(chen.page.locator("[data-tab=waiting] .count")).to_have_text("2")
    await expect(amir.row(passed)).to_contain_text("Passed to Chen")
    await expect(amir.row(passed)).to_contain_text("back in the queue in 9:")
    await amir.page.goto(f"/handoffs/{passed.id}")
    await expect(amir.page.locator(".next")).to_contain_text(
        "Passed to Chen, back in the queue in 9:"
    )
    await chen.page.goto("/")
    await chen.claim(passed)
    await expect(chen.row(passed)).to_contain_text("Yours")
    await expect(chen.row(other)).to_be_visible()


async def test_the_search_looks_at_title_people_and_priority_alone(desk: Desk, sit: Sit) -> None:
    first = await desk.escalate(BO, title="Number 7", priority="urgent")
    second = await desk.escalate(BO, title="Number 1", priority="low")
    third = await desk.escalate(CHEN, title="Printer")
    await desk.until_handoff(first, round=1)
    amir = await sit(AMIR)
    for words, found in (("number 1", {second}), ("chen", {third}), ("urgent bo", {first})):
        await amir.page.locator("#search").fill(words)
        for row in (first, second, third):
            await expect(amir.row(row)).to_be_visible(visible=row in found)
    await amir.page.reload()
    await expect(amir.page.locator("#search")).to_have_value("urgent bo")
    await expect(amir.row(second)).to_be_hidden()


async def test_a_search_that_finds_nothing_says_where_else_to_look(desk: Desk, sit: Sit) -> None:
    solved = await desk.escalate(BO, title="Solved long ago")
    await desk.claim(AMIR, solved)
    await desk.command(AMIR, solved, "resolve", {"outcome": "fixed"})
    await desk.escalate(BO, title="Other")
    amir = await sit(AMIR)
    await amir.page.locator("#search").fill("long ago")
    nothing = amir.page.locator("#nothing")
    await expect(nothing).to_contain_text("No row here matches “long ago”.")
    await expect(nothing.get_by_role("link", name="Search everybody’s")).to_be_visible()
    await nothing.get_by_role("link", name="Search what has closed").click()
    await expect(amir.row(solved)).to_be_visible()
    await expect(nothing).to_be_hidden()
    assert "tab=closed" in amir.page.url
    assert "q=long+ago" in amir.page.url


async def test_a_row_that_has_not_changed_is_left_alone(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO, title="The same")
    await desk.until_handoff(handoff, round=1)
    amir = await sit(AMIR)
    await amir.row(handoff).evaluate("row => row.setAttribute('data-mark', 'this one')")
    await amir.until_live()
    other = await desk.escalate(BO, title="Other")
    await expect(amir.row(other)).to_be_visible()
    await expect(amir.row(handoff)).to_have_attribute("data-mark", "this one")
    await expect(amir.page.locator("#announcer")).to_contain_text("Other")
    await expect(amir.page.locator("#announcer")).not_to_contain_text("The same")


async def test_a_waiting_time_grows_louder(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    amir = await sit(AMIR, "/sign-in")
    await amir.page.clock.install()
    await amir.page.goto("/")
    waited = amir.row(handoff).locator("[data-age]")
    await expect(amir.row(handoff)).to_contain_text("Waiting")
    for later, age in (("00:00:05", "short"), ("00:20:00", "long"), ("01:00:00", "longest")):
        await amir.page.route("**/console/**", lambda route: route.abort())
        await amir.page.clock.fast_forward(later)
        await expect(waited).to_have_attribute("data-age", age)
