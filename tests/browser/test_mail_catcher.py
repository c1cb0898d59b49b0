"""The mail catcher's pages: readable on a phone, new mail by itself, whole letters."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import pytest
import uvicorn
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, ViewportSize, expect

from handoff.stack.mail.store import MailStore
from handoff.stack.mail.web import make_app

PHONE: ViewportSize = {"width": 360, "height": 740}


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]
        """Leaves the test runner's signals alone."""
        yield


@pytest.fixture
def store(tmp_path: Path) -> MailStore:
    return MailStore(tmp_path)


@pytest.fixture
async def page(chromium: Browser, store: MailStore) -> AsyncIterator[Page]:
    """The catcher's list on a phone; a word on its console fails the test."""
    config = uvicorn.Config(make_app(store), port=0, lifespan="off", log_level="warning")
    server = _Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    context = await chromium.new_context(base_url=f"http://127.0.0.1:{port}", viewport=PHONE)
    opened = await context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text))
    await opened.goto("/")
    yield opened
    await context.close()
    server.should_exit = True
    await serving
    assert complaints == []


def letter(subject: str, lines: int = 5) -> bytes:
    message = EmailMessage()
    message["Subject"] = subject
    said = ["What I see, and what I have tried so far."] * lines
    message.set_content("\n".join(said))
    paragraphs = "".join(f"<p style='margin: 0; font: 16px/24px serif'>{line}</p>" for line in said)
    message.add_alternative(paragraphs, subtype="html")
    return message.as_bytes()


async def must_be_accessible(page: Page) -> None:
    results = await Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


async def test_new_mail_appears_by_itself_and_can_be_read(page: Page, store: MailStore) -> None:
    await expect(page.get_by_text("There is none yet")).to_be_visible()
    await must_be_accessible(page)
    store.add("a@x.test", ["bo@acme.test"], letter("[urgent] Bo hands off: VPN drops every day"))
    subject = page.get_by_role("link", name="VPN drops")
    await expect(subject).to_be_visible()
    box = await subject.bounding_box()
    assert box is not None
    assert box["width"] > 250
    await must_be_accessible(page)


@pytest.mark.parametrize("lines", [3, 60])
async def test_a_letter_is_shown_whole(page: Page, store: MailStore, lines: int) -> None:
    store.add("a@x.test", ["bo@acme.test"], letter("VPN drops", lines))
    await page.get_by_role("link", name="VPN drops").click()
    await expect(page.frame_locator("iframe").locator("p").first).to_be_visible()
    hidden = await page.frames[1].evaluate("document.documentElement.scrollHeight - innerHeight")
    assert hidden <= 0
    await must_be_accessible(page)
