"""What goes wrong is a page for a browser and a document for a program, whatever it is."""

import httpx
import pytest

from api.console.reference import page as reference
from tests.support.cast import AMIR, VERA
from tests.support.cookies import BROWSER, browser_of
from tests.support.desk import Desk


@pytest.fixture
def browser(desk: Desk) -> dict[str, str]:
    """Headers of Amir's browser."""
    return browser_of(desk, AMIR)


def must_be_a_page(answer: httpx.Response, status: int, says: str) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html"), answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "</html>" in answer.text
    assert says in answer.text


async def test_what_is_not_there_or_not_allowed(desk: Desk, browser: dict[str, str]) -> None:
    http = desk.http()
    must_be_a_page(await http.get("/nowhere", headers=browser), 404, "Page not found")
    wrong = await http.put("/new", headers=browser)
    must_be_a_page(wrong, 405, "Page not found")
    assert wrong.headers["allow"] == "GET"
    elsewhere = browser | {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.test"}
    must_be_a_page(await http.post("/sign-out", headers=elsewhere), 403, "page of Handoff")
    large = await http.post("/sign-out", headers=browser, content=b"x" * 170_000)
    must_be_a_page(large, 413, "bytes at most")


@pytest.mark.desk(rate_requests_per_user=2)
async def test_too_much(desk: Desk, browser: dict[str, str]) -> None:
    http = desk.http()
    for _ in range(3):
        answer = await http.get("/new", headers=browser)
    must_be_a_page(answer, 429, "Try again")
    assert int(answer.headers["retry-after"]) > 0
    program = await http.get("/new", headers=browser | {"Accept": "application/json"})
    assert program.headers["content-type"] == "application/problem+json"


@pytest.mark.expects_errors
async def test_a_fault_of_ours(
    desk: Desk, browser: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr(reference, "page", broken)
    answer = await desk.http().get("/docs", headers=browser)
    must_be_a_page(answer, 500, "It has been logged")
    assert "secret" not in answer.text
    program = await desk.http().get("/docs")
    assert program.headers["content-type"] == "application/problem+json"


async def test_a_form_that_cannot_be_taken_leads_to_a_page_that_is_there(
    desk: Desk, browser: dict[str, str]
) -> None:
    """What was sent is not sent again."""
    answer = await desk.http().post("/sign-out", headers=browser, content=b"x" * 170_000)
    assert 'href="/"' in answer.text


async def test_the_api_says_it_to_browsers_as_to_programs(desk: Desk) -> None:
    answer = await desk.http(VERA).get("/api-tokens", headers={"Accept": BROWSER})
    assert answer.headers["content-type"] == "application/problem+json"
