"""What is away is said in a page, which goes on by itself when it is back."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import expect
from temporalio.client import Client

from tests.browser.conftest import Sit
from tests.support.cast import AMIR, CHEN
from tests.support.desk import Desk, open_desk
from tests.support.line import Line, line_to
from tests.support.servers import Servers

pytestmark = pytest.mark.expects_errors


@pytest.fixture
async def line(database_url: str) -> AsyncIterator[Line]:
    async with line_to(database_url) as one:
        yield one


@pytest.fixture
async def desk(line: Line, servers: Servers, temporal: Client) -> AsyncIterator[Desk]:
    """A desk whose line to PostgreSQL can be cut."""
    async with open_desk(
        database_url=line.url, redis_url=servers.redis_url, temporal=temporal
    ) as opened:
        yield opened


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_page_that_cannot_be_had_goes_on_by_itself(
    desk: Desk, line: Line, sit: Sit, scheme: str
) -> None:
    screen = await sit(AMIR, color_scheme=scheme)
    line.go_down()
    answer = await screen.page.goto("/?tab=parked")
    assert answer is not None
    assert answer.status == 503
    assert answer.headers["content-type"].startswith("text/html")
    assert int(answer.headers["retry-after"]) > 0
    await expect(screen.page.get_by_role("link", name="Try again")).to_be_visible()
    await screen.must_be_accessible()
    line.come_back()
    await expect(screen.page.get_by_role("heading", level=1)).to_have_text("Queue")
    await expect(screen.page).to_have_url(f"{desk.base_url}/?tab=parked")
    await screen.until_live()
    screen.must_be_quiet()


async def test_a_page_that_was_open_waits_and_shows_what_came_meanwhile(
    desk: Desk, line: Line, sit: Sit
) -> None:
    screen = await sit(CHEN)
    await screen.until_live()
    line.go_down()
    await screen.page.reload()
    await expect(screen.page.get_by_role("link", name="Try again")).to_be_visible()
    line.come_back()
    handoff = await desk.escalate()
    await expect(screen.row(handoff)).to_be_visible()
