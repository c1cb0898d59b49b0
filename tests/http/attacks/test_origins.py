"""Whose page a form comes from: whatever browsers send, behind a proxy, and without TLS."""

import pytest

from tests.support.desk import Desk
from tests.support.provider import restart

pytestmark = pytest.mark.desk(worker=False)

Headers = dict[str, str]


async def taken(desk: Desk, headers: Headers) -> bool:
    """Whether a form that bears these headers is one of ours."""
    answer = await desk.http().post("/sign-out", headers=headers)
    assert answer.status_code in (303, 403), answer.text
    return answer.status_code == 303


OVER_TLS: list[tuple[Headers, bool]] = [
    ({"Origin": "https://desk.test"}, True),
    ({"Origin": "https://DESK.test:443"}, True),
    # A proxy has taken the TLS off, and people know the desk by another name, too.
    ({"Origin": "https://desk.intranet", "Host": "desk.intranet"}, True),
    ({"Origin": "https://desk.intranet:8443", "Host": "desk.intranet:8443"}, True),
    ({"Origin": "https://desk.intranet", "Host": "desk.intranet:443"}, True),
    ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, True),
    ({"Referer": "https://desk.test/sign-in"}, True),
    ({"Origin": "null", "Referer": "https://desk.test/"}, True),
    ({"Origin": "http://desk.test"}, False),
    ({"Origin": "http://desk.intranet", "Host": "desk.intranet"}, False),
    ({"Origin": "https://desk.intranet:8443", "Host": "desk.intranet"}, False),
    ({"Origin": "https://desk.test.evil.test"}, False),
    ({"Origin": "https://desk.test@evil.test"}, False),
    ({"Origin": "https://evil.test", "Referer": "https://desk.test/"}, False),
    ({"Origin": "https://evil.test", "Sec-Fetch-Site": "same-origin"}, False),
    ({"Referer": "https://evil.test/?https://desk.test"}, False),
    ({"Origin": "null", "Sec-Fetch-Site": "cross-site"}, False),
    ({"Origin": "null"}, False),
    ({"Origin": ""}, False),
    ({"Origin": "chrome-extension://x"}, False),
    ({}, False),
]


@pytest.mark.parametrize(("headers", "ours"), OVER_TLS, ids=str)
async def test_behind_a_proxy_that_ends_tls(front_desk: Desk, headers: Headers, ours: bool) -> None:
    before = front_desk.services
    assert before is not None
    settings = before.settings
    before.settings = settings.model_copy(update={"public_url": "https://desk.test"})
    try:
        assert await taken(front_desk, headers) is ours
    finally:
        before.settings = settings


@pytest.mark.parametrize(
    ("headers", "ours"),
    [
        ({"Origin": "http://desk"}, True),
        ({"Origin": "http://desk.corp:8000", "Host": "desk.corp:8000"}, True),
        ({"Referer": "http://desk/c/x"}, True),
        ({"Origin": "http://evil.test"}, False),
        ({}, False),
    ],
    ids=str,
)
async def test_over_plain_http_on_an_intranet_name(
    desk: Desk, headers: Headers, ours: bool
) -> None:
    await restart(desk, public_url="http://desk")
    assert await taken(desk, headers) is ours


async def test_a_page_tells_its_origin_to_us_and_nothing_to_others(front_desk: Desk) -> None:
    shown = await front_desk.http().get("/sign-in")
    assert shown.headers["referrer-policy"] == "same-origin"
