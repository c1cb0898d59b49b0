"""What a sign-in leaves in a browser."""

from datetime import UTC, datetime

from starlette.responses import Response

from api.identity import browser_session
from tests.support.cast import Member
from tests.support.desk import Desk

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
"""What browsers accept of an address that somebody opens."""


def cookie_of(desk: Desk, who: Member) -> str:
    """`name=value`, as the browser of somebody who has just signed in sends it."""
    response = Response()
    browser_session.give_cookie(response, desk.settings, who.id, at=datetime.now(UTC))
    return response.headers["set-cookie"].partition(";")[0]


def browser_of(desk: Desk, who: Member) -> dict[str, str]:
    """The headers with which their browser opens a page, or sends a form of ours."""
    cookie = cookie_of(desk, who)
    return {"Accept": BROWSER, "Cookie": cookie, "Sec-Fetch-Site": "same-origin"}
