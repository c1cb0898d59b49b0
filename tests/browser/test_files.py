"""Files on a handoff's page: on their way, looked at, taken away."""

import base64
import os
import struct
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Error, Route, expect

from tests.browser.conftest import Sit
from tests.browser.screens import Screen
from tests.support.cast import AMIR, BO, CHEN, Member
from tests.support.desk import Desk, Handoff

WRITE = "Write to everybody who has to do with it"

LAND = """([name, type, content, how]) => {
  const data = new DataTransfer();
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  data.items.add(new File([bytes], name, { type }));
  const field = document.getElementById("say");
  const event = how === "paste"
    ? new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true })
    : new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
  field.dispatchEvent(event);
}"""


def png(width: int = 320, height: int = 200) -> bytes:
    """A real picture, in one colour."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    rows = (b"\x00" + b"\x30\x80\xd0" * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    marked = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    return marked + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def file(name: str, content: bytes) -> Any:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


async def pick(screen: Screen, *files: Any) -> None:
    await screen.page.locator(".say input[type=file]").set_input_files([*files])


async def added(desk: Desk, who: Member, handoff: Handoff, name: str, content: bytes) -> None:
    answer = await desk.http(who).post(
        f"/ai-sessions/{handoff.session_id}/files",
        content=content,
        headers={"Content-Disposition": f"attachment; filename={name}"},
    )
    assert answer.status_code == 201, answer.text


async def picture(screen: Screen, name: str) -> None:
    if place := os.environ.get("PICTURES"):
        await screen.page.screenshot(path=Path(place) / f"{name}.png")


async def test_files_go_with_a_note_and_are_looked_at(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    bo = await sit(BO, f"/handoffs/{handoff.id}")
    log = b"\n".join(b"line %d" % line for line in range(1, 400))
    files = (file("trace.log", log), file("screen.png", png()), file("core.bin", b"\x00" * 900))
    await pick(bo, *files)
    rows = bo.page.locator(".adding li")
    await expect(rows.filter(has_text="attached")).to_have_count(3)
    await bo.page.get_by_label(WRITE).fill("Here is what it says.")
    await picture(bo, "files-adding")
    await bo.page.get_by_role("button", name="Write", exact=True).click()
    await expect(rows).to_have_count(0)
    await expect(bo.page.locator(".moment.noted .file")).to_have_count(3)
    chen = await sit(CHEN, f"/handoffs/{handoff.id}", color_scheme="dark")
    listed = chen.page.locator(".attached .files li")
    await expect(listed).to_have_count(3)
    await expect(listed.filter(has_text="screen.png").locator("img.small")).to_be_visible()
    await expect(listed.filter(has_text="core.bin").locator("a.file")).to_have_attribute(
        "download", ""
    )
    await chen.must_be_accessible()
    await picture(chen, "files-listed")

    await listed.get_by_role("button", name="screen.png").click()
    large = chen.page.locator("#picture img")
    await expect(large).to_have_js_property("naturalWidth", 320)
    await picture(chen, "files-picture")
    await chen.page.keyboard.press("Escape")
    await expect(chen.page.locator("#picture-dialog")).not_to_be_visible()

    await listed.get_by_role("button", name="trace.log").click()
    await expect(chen.page.locator("#text-found")).to_have_text("399 lines")
    await chen.page.get_by_label("Search in this file").fill("LINE 35")
    await expect(chen.page.locator("#text-found")).to_have_text("1 of 11")
    await expect(chen.page.locator(".words .chosen")).to_have_text("line 35")
    await chen.page.keyboard.press("Enter")
    await expect(chen.page.locator(".line", has=chen.page.locator(".chosen"))).to_contain_text(
        "line 350"
    )
    await chen.must_be_accessible()
    await picture(chen, "files-text")
    await chen.page.keyboard.press("Escape")
    bo.must_be_quiet()
    chen.must_be_quiet()


async def test_ten_megabytes_of_text_open_and_are_searched(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    count = 220_000
    text = "".join(f"{line:07} the line that was written here, {line}\n" for line in range(count))
    await added(desk, BO, handoff, "large.log", text.encode()[: 10 * 1024 * 1024])
    bo = await sit(BO, f"/handoffs/{handoff.id}")
    await bo.page.locator(".file", has_text="large.log").click()
    await expect(bo.page.locator("#text-found")).to_contain_text("lines")
    await expect(bo.page.locator(".line").first).to_contain_text("0000000 the line")
    assert await bo.page.locator(".line").count() < 150
    lines = bo.page.locator("#text-lines")
    await lines.evaluate("view => { view.scrollTop = view.scrollHeight }")
    last = text.encode()[: 10 * 1024 * 1024].decode().splitlines()[-1]
    await expect(bo.page.locator(".line").last).to_contain_text(last)
    await expect(bo.page.locator(".line").last).to_be_in_viewport()
    await bo.page.get_by_label("Search in this file").fill("here, 123456")
    await expect(bo.page.locator(".words .chosen")).to_be_in_viewport()
    await expect(bo.page.locator("#text-found")).to_have_text("1 of 1")
    await bo.page.get_by_label("Wrap long lines").uncheck()
    await expect(bo.page.locator(".words .chosen")).to_have_count(1)
    bo.must_be_quiet()


@pytest.mark.parametrize("width", [1280, 390])
async def test_letters_of_any_width_are_wrapped_where_they_end(
    desk: Desk, sit: Sit, width: int
) -> None:
    """Wide ones, tabs, none that is cut from its mark or its half, marks without end; words are
    found where they stand."""
    family = "👩\u200d👩\u200d👧"
    lines = ["漢字かな交じり文" * 60, "a\tb\t" * 90, family * 90, "Ğ" * 500, "e\u0301" * 500, "終"]
    lines.append("\u0301" * 200_000)
    handoff = await desk.escalate(BO)
    await added(desk, BO, handoff, "wide.log", "\n".join(lines).encode())
    bo = await sit(BO, f"/handoffs/{handoff.id}", viewport={"width": width, "height": 844})
    await bo.page.locator(".file", has_text="wide.log").click()
    await expect(bo.page.locator("#text-found")).to_have_text("7 lines")
    await picture(bo, f"files-wide-{width}")
    rows = bo.page.locator("#text-lines .words")
    view = bo.page.locator("#text-lines")
    wide, room, most = await view.evaluate(
        "one => [one.scrollWidth, one.clientWidth, one.getBoundingClientRect().right]"
    )
    assert wide <= room
    ends = await rows.evaluate_all(
        "all => all.map(one => [one.textContent, one.getBoundingClientRect().right])"
    )
    assert all(right <= most for _, right in ends)
    cut = ("\u0301", "\u200d", "\ufffd")
    assert not [text for text, _ in ends if text.startswith(cut) and "e" in text]
    # They reach the end, too: nothing is wrapped for want of measuring.
    assert max(right for text, right in ends if "漢" in text) > most - 80
    await bo.page.get_by_label("Search in this file").fill("終")
    await expect(bo.page.locator(".words .chosen")).to_be_in_viewport()
    assert max(map(len, await rows.all_inner_texts())) < 2000
    await bo.page.get_by_label("Wrap long lines").uncheck()
    await expect(bo.page.locator(".words .chosen")).to_have_count(1)
    bo.must_be_quiet()


async def test_what_did_not_arrive_is_tried_again_or_called_off(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    bo = await sit(BO, f"/handoffs/{handoff.id}")
    tried: list[str] = []

    async def cut(route: Route) -> None:
        tried.append(str(await route.request.header_value("idempotency-key")))
        if len(tried) == 1:
            await route.abort()
        else:
            await route.continue_()

    await bo.page.route(f"**/ai-sessions/{handoff.session_id}/files", cut)
    await pick(bo, file("it's a (log).txt", b"words"))
    row = bo.page.locator(".adding li")
    await expect(row).to_contain_text("It did not arrive.")
    await row.get_by_role("button", name="Try again").click()
    await expect(row).to_contain_text("attached")
    assert len(tried) == 2
    assert tried[0] == tried[1]
    await expect(bo.page.locator(".attached .files li")).to_contain_text("it's a (log).txt")
    await row.get_by_role("button", name="Leave out").click()
    await expect(row).to_have_count(0)

    await bo.page.unroute(f"**/ai-sessions/{handoff.session_id}/files")
    await pick(bo, file("large.bin", b"x" * (10 * 1024 * 1024 + 1)), file("empty", b""))
    await expect(row.first).to_contain_text("It has more than 10 MiB.")
    await expect(row.last).to_contain_text("It is empty.")


async def test_a_file_on_its_way_is_called_off(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    bo = await sit(BO, f"/handoffs/{handoff.id}")
    held: list[Route] = []
    await bo.page.route(
        f"**/ai-sessions/{handoff.session_id}/files", lambda route: held.append(route)
    )
    await pick(bo, file("slow.log", b"words"))
    row = bo.page.locator(".adding li")
    await expect(row.locator("progress")).to_be_visible()
    await bo.page.get_by_label(WRITE).fill("Look.")
    await bo.page.get_by_role("button", name="Write", exact=True).click()
    await expect(bo.page.locator(".say .problem")).to_contain_text("still on its way")
    await row.get_by_role("button", name="Cancel").click()
    await expect(row).to_have_count(0)
    with suppress(Error):  # Else the driver waits for what becomes of it, after the test, too.
        await held[0].abort()
    await bo.page.get_by_role("button", name="Write", exact=True).click()
    await expect(bo.page.locator(".moment.noted")).to_contain_text("Look.")
    listed = await desk.http(BO).get(f"/ai-sessions/{handoff.session_id}/files")
    assert listed.json() == []


@pytest.mark.parametrize("how", ["paste", "drop"])
async def test_pasted_and_dropped(desk: Desk, sit: Sit, how: str) -> None:
    handoff = await desk.escalate(BO)
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
    bo = await sit(BO, f"/handoffs/{handoff.id}", **phone)
    content = base64.b64encode(png()).decode()
    await bo.page.evaluate(LAND, ["image.png", "image/png", content, how])
    await expect(bo.page.locator(".adding li")).to_contain_text("attached")
    await expect(bo.page.locator(".attached img.small")).to_be_visible()
    wide = await bo.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390
    await picture(bo, f"files-phone-{how}")
    await bo.page.get_by_role("button", name="Write", exact=True).click()
    await expect(bo.page.locator(".moment.noted")).to_contain_text("Bo adds files")
    await expect(bo.page.locator(".moment.noted .file")).to_contain_text("image.png")
    bo.must_be_quiet()


async def test_a_text_that_is_too_long_becomes_a_file(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    bo = await sit(BO, f"/handoffs/{handoff.id}")
    field = bo.page.get_by_label(WRITE)
    offered = bo.page.get_by_role("button", name="Attach this text as a file")
    await expect(offered).not_to_be_visible()
    await field.fill("What the log says\n" + "x" * 17_000)
    await offered.click()
    await expect(bo.page.locator(".adding li")).to_contain_text("attached")
    await expect(field).to_have_value("What the log says")
    await expect(offered).not_to_be_visible()
    await bo.page.get_by_role("button", name="Write", exact=True).click()
    await expect(bo.page.locator(".moment.noted .file")).to_contain_text("note.txt")


async def test_what_only_pretends_to_be_a_picture_does_nothing(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    script = b"<svg xmlns='http://www.w3.org/2000/svg' onload='document.title=1'/>"
    await added(desk, BO, handoff, "logo.svg", script)
    await added(desk, BO, handoff, "broken.png", png()[:40] + b"<script>document.title=1</script>")
    bo = await sit(BO, f"/handoffs/{handoff.id}")
    await bo.page.locator(".file", has_text="logo.svg").click()
    await expect(bo.page.locator(".words").first).to_contain_text("<svg xmlns=")
    await bo.page.keyboard.press("Escape")
    await bo.page.locator(".file", has_text="broken.png").click()
    await expect(bo.page.locator("#picture-dialog .problem")).to_contain_text("Download it")
    await expect(bo.page.locator("#picture img")).to_have_count(0)
    assert await bo.page.title() != "1"
    bo.must_be_quiet()


async def test_who_added_it_takes_it_away(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    await added(desk, BO, handoff, "secret.log", b"words")
    chen = await sit(CHEN, f"/handoffs/{handoff.id}")
    await expect(chen.page.locator(".attached [data-remove]")).to_have_count(0)
    amir = await sit(AMIR, f"/handoffs/{handoff.id}")
    await amir.page.get_by_role("button", name="Remove secret.log").click()
    await amir.page.get_by_role("button", name="Remove it").click()
    await expect(amir.page.locator(".attached .files li")).to_have_count(0)
    await chen.page.get_by_role("button", name="secret.log").click()
    await expect(chen.page.locator("#text-dialog .problem")).to_have_text("It was removed.")


async def test_files_go_with_a_new_handoff(desk: Desk, sit: Sit) -> None:
    """They wait for their session, are sent when it is handed off, and tried again; a text that is
    too long is one of them. Nothing is handed off without what should have gone with it."""
    bo = await sit(BO, "/new")
    form = bo.page.locator("#new")
    await bo.page.get_by_label("What is it about?").fill("VPN drops")
    notes = bo.page.get_by_label("Notes")
    await notes.fill("What the log says\n" + "x" * 66_000)
    await bo.page.get_by_role("button", name="Attach this text as a file").click()
    await expect(notes).to_have_value("What the log says")
    await form.locator("input[type=file]").set_input_files(
        [file("screen.png", png()), file("unwanted.log", b"words")]
    )
    rows = bo.page.locator(".adding li")
    await expect(rows.filter(has_text="goes with it")).to_have_count(3)
    await rows.filter(has_text="unwanted").get_by_role("button", name="Leave out").click()
    await picture(bo, "files-new")
    await bo.must_be_accessible()
    tried: list[str] = []

    async def cut(route: Route) -> None:
        tried.append(str(await route.request.header_value("idempotency-key")))
        if len(tried) == 1:
            await route.abort()
        else:
            await route.continue_()

    await bo.page.route("**/ai-sessions/*/files", cut)
    await bo.page.get_by_role("button", name="Escalate", exact=True).click()
    await expect(bo.page.locator("#problem")).to_contain_text("A file did not arrive.")
    await bo.page.get_by_role("button", name="Try again").click()
    await expect(rows.filter(has_text="attached")).to_have_count(2)
    # What has arrived, and is left out then, does not stay on the session.
    await form.locator("input[type=file]").set_input_files([file("second-thought.log", b"words")])
    await expect(rows.filter(has_text="attached")).to_have_count(3)
    await rows.filter(has_text="thought").get_by_role("button", name="Leave out").click()
    await expect(rows).to_have_count(2)
    await bo.page.get_by_role("button", name="Escalate", exact=True).click()
    await bo.page.wait_for_url("**/handoffs/*")
    await expect(bo.page.locator(".attached .files li")).to_have_count(2)
    await expect(bo.page.locator(".moment .file")).to_have_count(2)
    assert len(tried) == 4
    assert len(set(tried)) == 3
    assert len(await desk.queue(CHEN)) == 1


@pytest.mark.parametrize("how", ["paste", "drop"])
async def test_pasted_and_dropped_on_a_new_one(desk: Desk, sit: Sit, how: str) -> None:
    bo = await sit(BO, "/new", viewport={"width": 390, "height": 844}, color_scheme="dark")
    content = base64.b64encode(png()).decode()
    land = LAND.replace('"say"', '"notes"')
    await bo.page.evaluate(land, ["image.png", "image/png", content, how])
    await expect(bo.page.locator(".adding li")).to_contain_text("goes with it")
    assert await bo.page.evaluate("document.documentElement.scrollWidth") <= 390
    await picture(bo, f"files-new-phone-{how}")
    bo.must_be_quiet()
