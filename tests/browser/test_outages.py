"""What is away is said in a page, which goes on by itself when it is back."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import expect
from temporalio.client import Client

from tests.browser.conftest import Sit
from tests.browser.test_every_page import PAGES
from tests.support.cast import AMIR, CHEN
from tests.support.cookies import browser_of
from tests.support.desk import Desk, open_desk
from tests.support.line import Line, line_to
from tests.support.servers import Servers

NEED_NOTHING = ("/sign-in", "/docs")
"""Pages that anybody may see, and that show nothing of the record."""

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


async def test_no_page_is_a_document_while_postgresql_is_away(desk: Desk, line: Line) -> None:
    handoff = await desk.escalate()
    mail = await desk.expect_mail(CHEN, handoff)
    desk.mail_matters = False
    link = re.search(r"/c/\S+", mail.text)
    assert link is not None
    headers = browser_of(desk, AMIR)
    line.go_down()
    pages = [path.format(id=handoff.id) for path in PAGES]
    for path in (*pages, "/settings", link.group(), "/sign-in", "/docs"):
        answer = await desk.http().get(path, headers=headers)
        if answer.status_code == 303:
            continue
        assert answer.headers["content-type"].startswith("text/html"), (path, answer.text)
        assert answer.status_code == 503 or path in NEED_NOTHING
        assert answer.status_code == 200 or int(answer.headers["retry-after"]) > 0
    answer = await desk.http().post(link.group(), headers=headers)
    assert answer.status_code == 503
    assert f'href="{link.group()}"' in answer.text, "it is looked at again, not pressed again"
    line.come_back()


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
