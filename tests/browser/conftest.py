"""A real Chromium before a real desk: people with screens. Skipped where there is no Chromium."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, async_playwright

from tests.browser.screens import Screen, seat
from tests.support.cast import Member
from tests.support.desk import Desk

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)

Sit = Callable[..., Awaitable[Screen]]


def pytest_configure(config: pytest.Config) -> None:
    """The mark of these tests."""
    config.addinivalue_line("markers", "browser: drives a real Chromium")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here is marked `browser`."""
    for item in items:
        if "tests/browser" in item.nodeid:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """One browser for all tests; each person has a profile of their own in it."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("there is no chromium; install it: apt-get install chromium")
        pytest.skip("there is no chromium; install it: apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=list(ARGUMENTS))
        yield browser
        await browser.close()


@pytest.fixture
async def contexts(chromium: Browser) -> AsyncIterator[list[BrowserContext]]:
    """The profiles that a test has opened."""
    opened: list[BrowserContext] = []
    yield opened
    for context in opened:
        # Whoever is still answering a request of the page would never end, and be complained of.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2):
                for page in context.pages:
                    await page.unroute_all(behavior="wait")
                await context.unroute_all(behavior="wait")
        await context.close()


@pytest.fixture
def sit(desk: Desk, chromium: Browser, contexts: list[BrowserContext]) -> Sit:
    """Seats somebody before a screen: `await sit(AMIR)`; without a page, at the queue."""
    desk.mail_matters = False

    async def sit(who: Member | None, path: str = "/", **options: Any) -> Screen:
        context = await chromium.new_context(base_url=desk.base_url, **options)
        context.set_default_timeout(8000)
        contexts.append(context)
        return await seat(desk, context, who, path)

    return sit
