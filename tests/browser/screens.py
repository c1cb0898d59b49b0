"""What somebody sees and does at a screen, in the words of the story."""

import re
from dataclasses import dataclass, field

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import BrowserContext, ConsoleMessage, Locator, Page, expect

from tests.support.cast import Member
from tests.support.cookies import cookie_of
from tests.support.desk import Desk, Handoff

__all__ = ["Screen", "expect", "seat", "sign_in"]

EXPECTED = re.compile(r"Failed to load resource|net::ERR_")
"""What Chromium itself says of refused and broken requests."""


@dataclass(slots=True)
class Screen:
    """One tab. `complaints`: what the page has said to the console, which must be nothing."""

    page: Page
    desk: Desk
    complaints: list[str] = field(default_factory=list)

    def row(self, handoff: Handoff) -> Locator:
        """The handoff's row in the queue."""
        return self.page.locator(f'#rows > [data-key="{handoff.id}"]')

    def live(self) -> Locator:
        """The badge."""
        return self.page.locator("#live")

    async def until_live(self) -> None:
        """The stream stands."""
        await expect(self.live()).to_have_attribute("data-state", "live")

    async def claim(self, handoff: Handoff) -> None:
        """Presses the one button."""
        await self.row(handoff).get_by_role("button", name="Claim").click()

    async def focused(self) -> str:
        """The key of what has the focus."""
        found = "document.activeElement.closest('.row')?.dataset.key ?? document.activeElement.id"
        return str(await self.page.evaluate(found))

    async def must_be_accessible(self) -> None:
        """Axe finds nothing."""
        results = await Axe().run(self.page)
        assert results.violations_count == 0, results.generate_report()

    def must_be_quiet(self) -> None:
        """No error of any script, nothing that the policy had to stop."""
        assert self.complaints == []

    def hear(self, message: ConsoleMessage) -> None:
        """Notes what is amiss."""
        if message.type in ("error", "warning") and not EXPECTED.search(message.text):
            self.complaints.append(message.text)


async def sign_in(desk: Desk, context: BrowserContext, who: Member) -> None:
    """Gives the browser the cookie that a sign-in would have given it."""
    name, _, value = cookie_of(desk, who).partition("=")
    await context.add_cookies([{"name": name, "value": value, "url": desk.base_url}])


async def seat(desk: Desk, context: BrowserContext, who: Member | None, path: str) -> Screen:
    """A tab at a page, signed in unless nobody sits there."""
    if who is not None:
        await sign_in(desk, context, who)
    screen = Screen(await context.new_page(), desk)
    screen.page.on("console", lambda message: screen.hear(message))
    screen.page.on("pageerror", lambda fault: screen.complaints.append(str(fault)))
    await screen.page.goto(path)
    return screen
