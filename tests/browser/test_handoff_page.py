"""A handoff's page: the commands that one may give and no others, its timeline, hostile text."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Sit
from tests.browser.screens import Screen
from tests.support.cast import AMIR, BO, CHEN, HUGO, OLIVE, VERA, Member
from tests.support.desk import Desk

HOSTILE = (
    "<script>document.title='owned'</script><img src=x onerror=alert(1)>"
    "{{ 7 * 7 }} {% include '/etc/passwd' %} ${7*7} \u202egnirts lanoitceridib\u2066 &amp; \"' </p>"
)


TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")


async def commands(screen: Screen) -> list[str]:
    return await screen.page.locator(".commands button").all_inner_texts()


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (BO, ["Call round 2 now", "Ask somebody", "Change", "Snooze", "Cancel"]),
        (CHEN, ["Claim", "Call round 2 now", "Ask somebody", "Snooze"]),
        (OLIVE, ["Claim", "Call round 2 now", "Ask somebody", "Change", "Snooze", "Cancel"]),
        (VERA, []),
    ],
)
async def test_only_what_one_may_do(desk: Desk, sit: Sit, who: Member, expected: list[str]) -> None:
    handoff = await desk.escalate(BO)
    await desk.until_handoff(handoff, round=1)
    screen = await sit(who, f"/handoffs/{handoff.id}")
    assert await commands(screen) == expected


async def test_the_whole_way_to_a_resolution(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO, engineer_notes="Rekey fails.", context={"model": "gw-200"})
    amir, bo = [await sit(who, f"/handoffs/{handoff.id}") for who in (AMIR, BO)]
    await expect(amir.page.get_by_text("Rekey fails.")).to_be_visible()
    await expect(amir.page.locator(".context")).to_contain_text("gw-200")
    await expect(amir.page.locator(".next")).to_contain_text("Round 2 tells every engineer")
    await amir.page.get_by_role("button", name="Claim").click()
    await expect(bo.page.locator(".moment").first).to_contain_text("Amir claimed it")
    await expect(amir.page.get_by_role("button", name="Resolve")).to_be_visible()
    expected = ["Resolve", "Pass it on", "Give it back", "Change", "Cancel", "Undo"]
    assert await commands(amir) == expected
    await amir.page.get_by_role("button", name="Resolve").click()
    dialog = amir.page.locator("#resolve-dialog")
    await dialog.get_by_label("Outcome").select_option("Workaround")
    await dialog.get_by_label("Note").fill("Rolled back.")
    await dialog.get_by_role("button", name="Resolve").click()
    await expect(bo.page.locator(".badge")).to_have_text("Resolved by Amir: Workaround")
    await expect(bo.page.locator(".moment").first).to_contain_text("Rolled back.")
    await expect(amir.page.locator(".commands button")).to_have_count(0)
    amir.must_be_quiet()


async def test_what_is_said_stands_under_the_commands(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    amir = await sit(AMIR, f"/handoffs/{handoff.id}")
    await amir.until_live()
    await desk.claim(CHEN, handoff)
    await expect(amir.page.locator(".badge")).to_have_text("Claimed by Chen")
    order = "all => all.map(one => one.dataset.key ?? one.id)"
    assert (await amir.page.locator("#story > *").evaluate_all(order))[2:6] == [
        "commands",
        "problem",
        "looking",
        "columns",
    ]


async def test_only_ones_own_next_step_is_strong(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    amir = await sit(AMIR, f"/handoffs/{handoff.id}")
    strong = amir.page.locator(".commands .strong")
    await expect(strong).to_have_text("Claim")
    await desk.claim(CHEN, handoff)
    # An admin may resolve what Chen has, but it is not their next step.
    await expect(amir.page.get_by_role("button", name="Resolve")).to_be_visible()
    await expect(strong).to_have_count(0)
    await expect(amir.page.locator(".next")).to_contain_text("With Chen for")
    await expect(amir.page.locator(".next")).to_contain_text("No more calls.")
    chen = await sit(CHEN, f"/handoffs/{handoff.id}")
    await expect(chen.page.locator(".commands .strong")).to_have_text("Resolve")


async def test_it_is_passed_on_with_a_word(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    await desk.claim(AMIR, handoff)
    amir, chen = [await sit(who, f"/handoffs/{handoff.id}") for who in (AMIR, CHEN)]
    await amir.page.get_by_role("button", name="Pass it on").click()
    dialog = amir.page.locator("#transfer-dialog")
    await dialog.get_by_label("Person").select_option(label="Chen")
    await dialog.get_by_label("A word along").fill("The customer still has to confirm.")
    await amir.must_be_accessible()
    await dialog.get_by_role("button", name="Pass it on").click()
    told = chen.page.locator(".moment.transferred")
    await expect(told).to_contain_text("Amir passes it to Chen")
    await expect(told.locator(".quote")).to_have_text("The customer still has to confirm.")


async def test_the_sessions_own_context_is_shown(desk: Desk, sit: Sit) -> None:
    about = {"zone": None, "model": "gw-200"}
    session_id = await desk.start_session(BO, context=about)
    answer = await desk.hand_off(session_id, BO, context={"b": None, "a": "first"})
    amir = await sit(AMIR, f"/handoffs/{answer.json()['id']}")
    shown = amir.page.get_by_role("region", name="Session context")
    assert await shown.locator("dt").all_inner_texts() == ["model", "zone"]
    assert await shown.locator("dd").all_inner_texts() == ["gw-200", "–"]
    ours = amir.page.get_by_role("region", name="Context", exact=True)
    assert await ours.locator("dt").all_inner_texts() == ["a", "b"]


async def test_mails_that_were_not_sent_share_a_chip(desk: Desk, sit: Sit) -> None:
    policy = (await desk.http(OLIVE).get("/policy")).json()
    held = await desk.http(OLIVE).put("/policy", json=policy | {"email_delay": 30})
    assert held.status_code == 200, held.text
    handoff = await desk.escalate(BO)
    await desk.until_handoff(handoff, round=1)
    await desk.claim(CHEN, handoff)
    amir = await sit(AMIR, f"/handoffs/{handoff.id}")
    chips = amir.page.locator(".moment.notified .chip")
    await expect(chips.filter(has_text="3 mails")).to_contain_text("not sent: claimed first")
    await expect(chips.filter(has_text="not sent")).to_have_count(1)


async def test_a_snooze_says_until_when(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    await desk.until_handoff(handoff, round=1)
    until = datetime.now(UTC) + timedelta(days=2)
    await desk.command(CHEN, handoff, "snooze", {"until": until.isoformat()})
    amir = await sit(AMIR, f"/handoffs/{handoff.id}", timezone_id="Asia/Tokyo", locale="en-GB")
    there = until.astimezone(ZoneInfo("Asia/Tokyo"))
    await expect(amir.page.locator(".moment.snoozed")).to_contain_text(
        f"Chen snoozed it until {there:%-d %b %Y, %H:%M}"
    )


async def test_the_audit_leads_elsewhere_and_tells_leaders_of_the_tick(
    desk: Desk, sit: Sit
) -> None:
    await desk.stop_api()
    changed = {"temporal_ui_url": "http://127.0.0.1:9"}
    desk.settings = desk.settings.model_copy(update=changed)
    await desk.start_api(temporal=desk.temporal)
    handoff = await desk.escalate(BO)
    amir, chen = [await sit(who, f"/handoffs/{handoff.id}") for who in (AMIR, CHEN)]
    last = amir.page.locator(".commands > *").last
    await expect(last).to_contain_text("Audit in Temporal")
    await expect(last).to_contain_text("in a new tab")
    await amir.must_be_accessible()
    await expect(chen.page.locator(".audit")).not_to_contain_text("credentials")


async def test_chips_say_what_became_of_each_message(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    amir = await sit(AMIR, f"/handoffs/{handoff.id}")
    told = amir.page.locator(".moment.notified .chip")
    await expect(told).to_have_count(3)
    await expect(told.filter(has_text="Chen")).to_contain_text("sent", timeout=15000)
    await expect(told.filter(has_text="Amir")).to_contain_text("seen")


async def test_the_loser_of_a_race_reads_who_has_it(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    amir = await sit(AMIR, f"/handoffs/{handoff.id}")
    await amir.page.context.route("**/console/**", lambda route: route.abort())
    await desk.claim(CHEN, handoff)
    await amir.page.get_by_role("button", name="Claim").click()
    await expect(amir.page.locator("#problem")).to_have_text("Chen has it.")


async def test_hostile_text_stays_text(desk: Desk, sit: Sit) -> None:
    title = HOSTILE[:200]
    # The marks that turn the direction are the only thing that is not shown.
    seen = HOSTILE.replace("\u202e", "").replace("\u2066", "")
    heading = title.replace("\u202e", "").replace("\u2066", "")
    handoff = await desk.escalate(
        BO, title=title, engineer_notes=HOSTILE, context={HOSTILE: [HOSTILE, {"x": HOSTILE}]}
    )
    await desk.command(CHEN, handoff, "claim")
    await desk.command(CHEN, handoff, "release", {"reason": HOSTILE})
    amir = await sit(AMIR)
    await expect(amir.row(handoff).get_by_role("link")).to_have_text(heading)
    await amir.row(handoff).get_by_role("link").click()
    await expect(amir.page.get_by_role("heading", level=1)).to_have_text(heading)
    text = amir.page.locator(".typed .prose")
    await expect(text).to_have_text(seen)
    assert await amir.page.locator("main script, main img").count() == 0
    assert await amir.page.title() != "owned"
    assert not TURNS.search(await amir.page.content())
    await expect(amir.page.locator(".moment .quote")).to_have_text(seen)
    amir.must_be_quiet()


async def test_what_is_not_ours_does_not_exist(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    hugo = await sit(HUGO, f"/handoffs/{handoff.id}")
    await expect(hugo.page.get_by_role("heading", level=1)).to_have_text("Page not found")


async def test_others_who_look_are_shown(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    chen = await sit(CHEN, f"/handoffs/{handoff.id}")
    await chen.until_live()
    amir = await sit(AMIR, f"/handoffs/{handoff.id}")
    await expect(amir.page.locator("#looking")).to_have_text("Chen is looking at this, too.")
    # And who came first hears of it within seconds.
    await expect(chen.page.locator("#looking")).to_have_text(
        "Amir is looking at this, too.", timeout=6000
    )


async def test_escalate_and_park_from_the_page(desk: Desk, sit: Sit) -> None:
    bo, amir = await sit(BO, "/new"), await sit(AMIR)
    await amir.until_live()
    await bo.page.get_by_label("What is it about?").fill("Printer on fire")
    await bo.page.get_by_label("Urgent").check()
    await bo.page.get_by_label("Notes").fill("It is.")
    await bo.page.get_by_role("button", name="Escalate").click()
    await expect(bo.page.get_by_role("heading", level=1)).to_have_text("Printer on fire")
    await expect(amir.page.get_by_role("link", name="Printer on fire")).to_be_visible()
    await bo.page.goto("/new")
    await bo.page.get_by_label("What is it about?").fill("Later")
    await bo.page.get_by_label("Park").check()
    await bo.page.get_by_label("Remind me", exact=True).select_option("In four hours")
    await bo.page.get_by_role("button", name="Park").click()
    await expect(bo.page.locator(".next")).to_contain_text("Reminds Bo in 3 h 59 min")
