"""Files are looked at one at a time: what was closed does not come any more."""

import asyncio
from contextlib import suppress

from playwright.async_api import Error, Route, expect

from tests.browser.conftest import Sit
from tests.browser.test_files import added
from tests.support.cast import BO
from tests.support.desk import Desk


async def test_a_file_is_never_shown_under_the_name_of_another(desk: Desk, sit: Sit) -> None:
    handoff = await desk.escalate(BO)
    for name in ("first", "second"):
        await added(desk, BO, handoff, f"{name}.txt", f"The {name} one.".encode())
    bo = await sit(BO, f"/handoffs/{handoff.id}")
    held = bo.page.locator(".files button", has_text="first.txt").first
    path = await held.get_attribute("data-file")
    may_come, has_come = asyncio.Event(), asyncio.Event()

    async def comes_late(route: Route) -> None:
        await may_come.wait()
        # Nobody may wait for it any more.
        with suppress(Error):
            await route.fulfill(response=await route.fetch())
        has_come.set()

    await bo.page.route(f"**{path}", comes_late)
    await held.click()
    dialog = bo.page.locator("#text-dialog")
    await dialog.get_by_role("button", name="Close").click()
    await bo.page.locator(".files button", has_text="second.txt").first.click()
    await expect(dialog.locator(".line")).to_contain_text("The second one.")
    may_come.set()
    await has_come.wait()
    await bo.page.wait_for_timeout(200)  # As long as it would take to show it.
    await expect(dialog.get_by_role("heading")).to_have_text("second.txt")
    await expect(dialog.locator(".line")).to_contain_text("The second one.")
    await expect(dialog.locator(".problem")).to_be_empty()
    bo.must_be_quiet()
