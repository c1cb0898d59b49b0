"""What people paste can be read: Markdown's safe part, code to copy, long texts folded."""

from playwright.async_api import expect

from tests.browser.conftest import Sit
from tests.support.cast import AMIR, BO
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
