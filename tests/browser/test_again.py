"""What was closed is handed off again: prefilled, and both lead to each other."""

from uuid import UUID

from playwright.async_api import expect

from tests.browser.conftest import Sit
from tests.browser.screens import Screen
from tests.support.cast import AMIR, BO, CHEN, NETWORK, Member
from tests.support.desk import Desk, Handoff


async def _resolved(desk: Desk) -> Handoff:
    about = {"zone": "\"</div>'"}
    session_id = await desk.start_session(BO, context=about, team_id=str(NETWORK))
    answer = await desk.hand_off(
        session_id,
        BO,
        engineer_notes="Rekey\n  fails.",
        context={"model": "gw-200"},
        priority="high",
    )
    handoff = Handoff(UUID(answer.json()["id"]), session_id, BO)
    await desk.claim(CHEN, handoff)
    await desk.command(CHEN, handoff, "resolve", {"outcome": "workaround"})
    return handoff


async def _again(sit: Sit, who: Member, handoff: Handoff) -> Screen:
    screen = await sit(who, f"/handoffs/{handoff.id}")
    await expect(screen.page.get_by_role("link", name="Hand off again")).to_be_visible()
    await screen.page.keyboard.press("h")
    await expect(screen.page.get_by_role("heading", level=1)).to_have_text("Hand off again")
    await expect(screen.page.locator("main")).to_contain_text("Resolved by")
    await expect(screen.page.get_by_label("Notes")).to_have_value("Rekey\n  fails.")
    await expect(screen.page.get_by_label("High")).to_be_checked()
    await screen.must_be_accessible()
    return screen


async def _made(desk: Desk, screen: Screen) -> Handoff:
    await screen.page.get_by_role("button", name="Escalate").click()
    await screen.page.wait_for_url("**/handoffs/*")
    made = screen.page.url.rpartition("/")[2]
    [row] = [row for row in await desk.queue(AMIR, scope="account") if row["id"] == made]
    return Handoff(UUID(made), UUID(row["session_id"]), BO)


async def test_whoever_has_the_session_hands_off_the_same_one(desk: Desk, sit: Sit) -> None:
    first = await _resolved(desk)
    chen = await _again(sit, CHEN, first)
    await expect(chen.page.get_by_label("Title")).to_be_hidden()
    second = await _made(desk, chen)
    seen = await desk.see(second)
    assert str(seen["session_id"]) == str(first.session_id)
    assert (seen["context"], seen["priority"]) == ({"model": "gw-200"}, "high")
    kin = chen.page.get_by_role("region", name="Other handoffs of this")
    await expect(kin).to_contain_text("Handed off before")
    await kin.get_by_role("link").click()
    await expect(chen.page.locator(".kin")).to_contain_text("Handed off again")
    await expect(chen.page.locator(".kin")).to_contain_text("Waiting")
    # Nobody hands it off a second time while it waits.
    await expect(chen.page.get_by_role("link", name="Hand off again")).to_have_count(0)
    chen.must_be_quiet()


async def test_whoever_has_not_makes_one_that_carries_it_on(desk: Desk, sit: Sit) -> None:
    first = await _resolved(desk)
    bo = await _again(sit, BO, first)
    await expect(bo.page.get_by_label("What is it about?")).to_have_value("VPN drops")
    await expect(bo.page.get_by_label("Team")).to_have_value(str(NETWORK))
    await bo.page.get_by_label("Notes").fill("It is back.")
    await bo.page.reload()
    await expect(bo.page.get_by_label("Notes")).to_have_value("It is back.")
    second = await _made(desk, bo)
    session = (await desk.http(BO).get(f"/ai-sessions/{second.session_id}")).json()
    assert session["follows_id"] == str(first.session_id)
    assert session["context"] == {"zone": "\"</div>'"}
    assert (await desk.see(second))["engineer_notes"] == "It is back."
    for one, said in ((second, "Resolved by Chen: Workaround"), (first, "Waiting")):
        await bo.page.goto(f"/handoffs/{one.id}")
        await expect(bo.page.locator(".kin")).to_contain_text(said)
        await bo.must_be_accessible()
    # Nobody hands it off a second time while that waits, by its address either.
    await bo.page.goto(f"/new?again={first.id}")
    await expect(bo.page).to_have_url(f"{desk.base_url}/handoffs/{second.id}")
    bo.must_be_quiet()


async def test_a_session_carries_on_one_of_its_own_account(desk: Desk) -> None:
    answer = await desk.http(AMIR).post(
        "/ai-sessions", json={"title": "x", "follows_id": "0198c000-0000-7000-8000-000000000001"}
    )
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, "body/follows_id")
