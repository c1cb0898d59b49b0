"""What people paste can be read: Markdown's safe part, code to copy, long texts folded."""

from playwright.async_api import Route, expect

from tests.browser.conftest import Sit
from tests.support.cast import AMIR, BO, CHEN
from tests.support.desk import Desk

NOTES = """The rekey **fails** after the update. See [the runbook](https://wiki.acme.test/vpn).

```console
$ ipsec statusall | grep -c ESTABLISHED
0
```

<script>document.title = "owned"</script>
"""


async def test_notes_read_as_they_were_meant(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO, engineer_notes=NOTES, context={"log": "https://acme.test/l"})
    amir = await sit(AMIR, f"/handoffs/{handoff.id}")
    notes = amir.page.locator(".typed .prose").first
    await expect(notes.locator("strong")).to_have_text("fails")
    link = notes.get_by_role("link", name="the runbook (wiki.acme.test)")
    await expect(link).to_have_attribute("rel", "noopener nofollow noreferrer")
    await expect(notes.locator("pre")).to_contain_text("ipsec statusall")
    await expect(notes.get_by_role("button", name="Copy")).to_be_visible()
    await expect(notes).to_contain_text("<script>")
    await expect(amir.page.get_by_role("link", name="https://acme.test/l")).to_be_visible()
    assert (await desk.see(handoff))["engineer_notes"] == NOTES
    amir.must_be_quiet()


async def test_a_long_text_is_folded_and_opens(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO, engineer_notes="\n\n".join(f"Line {n}" for n in range(60)))
    amir = await sit(AMIR, f"/handoffs/{handoff.id}")
    button = amir.page.get_by_role("button", name="Show all of it")
    notes = amir.page.locator(".typed .prose").first
    folded = await notes.bounding_box()
    await button.click()
    await expect(amir.page.get_by_role("button", name="Show less")).to_be_visible()
    opened = await notes.bounding_box()
    assert folded is not None
    assert opened is not None
    assert opened["height"] > 2 * folded["height"]


async def test_a_long_note_is_folded_and_stays_open_when_it_is_drawn_anew(
    desk: Desk, sit: Sit
) -> None:
    handoff = await desk.escalate(BO)
    said = {"text": "\n\n".join(f"Line {n}" for n in range(60))}
    assert (await desk.command(CHEN, handoff, "notes", said)).is_success
    amir = await sit(AMIR, f"/handoffs/{handoff.id}")
    note = amir.page.locator(".moment.noted")
    await note.get_by_role("button", name="Show all of it").click()

    async def drawn_anew(route: Route) -> None:
        answer = await route.fetch()
        body = (await answer.text()).replace("Chen writes", "Chen wrote")
        await route.fulfill(response=answer, body=body)

    await amir.page.route("**/console/handoffs/*", drawn_anew)
    await amir.page.evaluate("dispatchEvent(new Event('online'))")
    await expect(note).to_contain_text("Chen wrote")
    await expect(note.get_by_role("button", name="Show less")).to_be_visible()
    await expect(note.locator(".folded")).to_have_count(0)


async def test_code_is_copied_where_the_browser_has_no_clipboard_for_pages(
    desk: Desk, sit: Sit
) -> None:
    handoff = await desk.escalate(BO, engineer_notes=NOTES)
    amir = await sit(AMIR, "/sign-in")
    await amir.page.add_init_script(
        "Object.defineProperty(Navigator.prototype, 'clipboard', {value: undefined})"
    )
    await amir.page.goto(f"/handoffs/{handoff.id}")
    await amir.page.get_by_role("button", name="Copy").click()
    await expect(amir.page.get_by_role("button", name="Copied")).to_be_visible()
    await amir.page.locator("#say").focus()
    await amir.page.keyboard.press("Control+V")
    assert "ipsec statusall" in await amir.page.locator("#say").input_value()


async def test_commands_are_within_reach_on_a_phone_and_hide_nothing(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO, engineer_notes="A long story. " * 200)
    phone = {"width": 390, "height": 760}
    amir = await sit(AMIR, f"/handoffs/{handoff.id}", viewport=phone)
    claim = amir.page.get_by_role("button", name="Claim")
    for place in ("0", "400", "document.body.scrollHeight"):
        await amir.page.evaluate(f"scrollTo(0, {place})")
        box = await claim.bounding_box()
        assert box is not None
        assert 600 < box["y"] < box["y"] + box["height"] <= phone["height"], place
    last = await amir.page.locator(".moment").last.bounding_box()
    bar = await amir.page.locator(".commands").bounding_box()
    assert last is not None
    assert bar is not None
    assert last["y"] + last["height"] <= bar["y"]
    await amir.must_be_accessible()
