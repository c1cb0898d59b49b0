"""What lies beside the console's pages: modules, styles and icons are served, nothing else is."""

from pathlib import Path

import pytest

from api.console.shared.rendering import CONSOLE
from tests.support.desk import Desk
from tests.support.wire import ask, head

SERVED = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def files() -> list[Path]:
    found = sorted(one for one in CONSOLE.rglob("*") if one.is_file())
    assert {".css", ".html", ".js", ".py", ".svg"} <= {one.suffix for one in found}
    return found


async def test_only_what_a_browser_loads_is_served(front_desk: Desk) -> None:
    for file in files():
        path = f"/static/{file.relative_to(CONSOLE)}"
        answer = await front_desk.http().get(path)
        if file.suffix in SERVED:
            assert answer.status_code == 200, path
            assert answer.headers["content-type"].startswith(SERVED[file.suffix]), path
            assert answer.content == file.read_bytes(), path
        else:
            assert answer.status_code == 404, path
            assert answer.headers["content-type"] == "application/problem+json", path


@pytest.mark.parametrize(
    "path",
    [
        "/static/queue/page.py",
        "/static/queue/page.html",
        "/static/queue/page.html/",
        "/static/queue/page.PY",
        "/static/queue/page.py%00.js",
        "/static/queue/page.py%2f..%2fpage.py",
        "/static/queue/page.js/../page.py",
        "/static/queue/page.js%2f..%2fpage.html",
        "/static/queue/page.py;.js",
        "/static/queue/page.py?page.js",
        "/static/queue",
        "/static/queue/",
        "/static/",
        "/static",
        "/static/../assets.py",
        "/static/..%2fapp.py",
        "/static//etc/mime.types",
    ],
)
async def test_no_spelling_of_a_path_leads_to_more(front_desk: Desk, path: str) -> None:
    answer = await ask(front_desk, head(front_desk, f"GET {path}"))
    assert answer.status == 404, answer


async def test_what_is_served_is_kept_a_minute_and_then_asked_for(front_desk: Desk) -> None:
    for path in ("/static/queue/page.js", "/static/queue/page.css"):
        answer = await front_desk.http().get(path)
        assert answer.headers["cache-control"] == "public, max-age=60"
        assert answer.headers["x-content-type-options"] == "nosniff"
        kept = {"If-None-Match": answer.headers["etag"]}
        again = await front_desk.http().get(path, headers=kept)
        assert again.status_code == 304
        assert again.headers["cache-control"] == "public, max-age=60"
