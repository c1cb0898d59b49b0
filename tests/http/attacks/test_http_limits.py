"""Bounds and manners of the HTTP interface, from outside and byte by byte."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from api.http import header_bounds
from api.http.body_limit import BODY_BYTES, DRAINED_BYTES
from tests.support.cast import BO
from tests.support.desk import Desk
from tests.support.wire import Answer, Wire, ask, head, posting

NOBODY = UUID(int=0)
JSON = "Content-Type: application/json"


async def post(front_desk: Desk, body: bytes, **headers: str) -> httpx.Response:
    given = {"Content-Type": "application/json"} | headers
    return await front_desk.http(BO).post("/ai-sessions", content=body, headers=given)


def refused(answer: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["type"] == f"/problems/{kind}", found
    return found


# Size.


def sized(size: int) -> bytes:
    empty = len(json.dumps({"title": "VPN", "context": {"a": ""}}))
    return json.dumps({"title": "VPN", "context": {"a": "x" * (size - empty)}}).encode()


async def test_a_body_has_64_kib_at_most(front_desk: Desk) -> None:
    # One byte over is refused for its size, one less for what is in it.
    refused(await post(front_desk, sized(BODY_BYTES)), 422, "invalid")
    refused(await post(front_desk, sized(BODY_BYTES + 1)), 413, "too-large")
    refused(await post(front_desk, b"x" * (DRAINED_BYTES // 2)), 413, "too-large")


async def test_no_length_no_more_bytes(front_desk: Desk) -> None:
    async def chunks() -> Any:
        for _ in range(BODY_BYTES // 1024 + 6):
            yield b" " * 1024

    answer = await front_desk.http(BO).post(
        "/ai-sessions", content=chunks(), headers={"Content-Type": "application/json"}
    )
    refused(answer, 413, "too-large")


async def test_an_endless_body_ends_the_connection(front_desk: Desk) -> None:
    async with Wire(front_desk) as wire:
        await wire.send(head(front_desk, "POST /ai-sessions", JSON, "Transfer-Encoding: chunked"))
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        sending = asyncio.create_task(wire.send(*[chunk] * 1000))
        answer = await wire.answer()
        assert answer.status == 413
        assert answer.headers["connection"] == "close"
        assert await wire.closed()
        sending.cancel()


async def test_a_body_that_announces_itself_too_large_is_not_waited_for(front_desk: Desk) -> None:
    async with Wire(front_desk) as wire:
        await wire.send(head(front_desk, "POST /ai-sessions", JSON, f"Content-Length: {10**15}"))
        assert (await wire.answer()).status == 413
        assert await wire.closed()


async def test_nobody_uploads_beside_an_answer(front_desk: Desk) -> None:
    async with Wire(front_desk) as wire:
        await wire.send(head(front_desk, "GET /livez", "Transfer-Encoding: chunked"))
        assert (await wire.answer()).status == 200
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        await wire.send(*[chunk] * 100)
        assert await wire.closed()


@pytest.mark.parametrize(
    "headers",
    [
        [f"X-Large: {'x' * 40_000}"],
        [f"X-{number}: {'x' * 400}" for number in range(90)],
        [f"X-{number}: x" for number in range(120)],
    ],
    ids=["one large", "large together", "too many"],
)
async def test_headers_have_bounds(front_desk: Desk, headers: list[str]) -> None:
    answer = await ask(front_desk, head(front_desk, "GET /livez", *headers))
    assert answer.status == 431
    assert answer.problem["type"] == "/problems/headers-too-large"


async def test_a_path_has_bounds(front_desk: Desk) -> None:
    assert (await ask(front_desk, head(front_desk, f"GET /{'x' * 40_000}"))).status == 431
    assert (await ask(front_desk, head(front_desk, f"GET /{'x' * 8_000}"))).status == 404


async def test_a_header_without_an_end_is_not_gathered(front_desk: Desk) -> None:
    async with Wire(front_desk) as wire:
        sending = asyncio.create_task(
            wire.send(b"GET /livez HTTP/1.1\r\nX-Large: ", *[b"x" * 8192] * 5000)
        )
        assert (await wire.answer()).status == 431
        assert await wire.closed()
        sending.cancel()


# Time.


@pytest.mark.desk(body_within="300ms")
async def test_a_body_must_arrive_in_time(desk: Desk) -> None:
    async with Wire(desk) as wire:
        await wire.send(head(desk, "POST /ai-sessions", JSON, "Content-Length: 16"), b'{"tit')
        answer = await wire.answer()
        assert answer.status == 408
        assert answer.problem["type"] == "/problems/too-slow"
        assert await wire.closed()


@pytest.mark.desk(body_within="300ms")
async def test_a_byte_now_and_then_is_not_in_time(desk: Desk) -> None:
    async with Wire(desk) as wire:

        async def drip() -> None:
            await wire.send(head(desk, "POST /ai-sessions", JSON, "Content-Length: 9999"))
            while True:
                await wire.send(b" ")
                await asyncio.sleep(0.02)

        dripping = asyncio.create_task(drip())
        assert (await wire.answer()).status == 408
        dripping.cancel()


async def test_headers_must_arrive_in_time(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(header_bounds, "HEADERS_WITHIN", 0.3)
    async with Wire(desk) as wire:
        await wire.send(b"GET /livez HTTP/1.1\r\nHost: x\r\n")
        assert (await wire.answer()).problem["type"] == "/problems/too-slow"
        assert await wire.closed()


async def test_the_next_request_has_a_clock_of_its_own(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(header_bounds, "HEADERS_WITHIN", 0.3)
    async with Wire(desk) as wire:
        for _ in range(2):
            await wire.send(head(desk, "GET /livez"))
            assert (await wire.answer()).status == 200
        await wire.send(b"GET /livez HTTP/1.1\r\n")
        assert (await wire.answer()).status == 408


# What a body is.

DEEP = b'{"title":"VPN","context":{"a":' + b"[" * 20_000 + b"]" * 20_000 + b"}}"
BODIES = {
    "nothing": b"",
    "no JSON": b"{",
    "words": b"title=VPN",
    "a list": b"[]",
    "a number": b"1",
    "null": b"null",
    "nested deep": DEEP,
    "nested without an end": b"[" * 60_000,
    "objects without an end": b'{"a":' * 10_000,
    "a number beyond all": b'{"title":"VPN","context":{"a":1e400}}',
    "a number below all": b'{"title":"VPN","context":{"a":-1e400}}',
    "a number of 5,000 digits": b'{"title":"VPN","context":{"a":' + b"9" * 5000 + b"}}",
    "a number of 400 digits": b'{"title":"VPN","context":{"a":' + b"9" * 400 + b"}}",
    "not a number": b'{"title":"VPN","context":{"a":NaN}}',
    "infinity": b'{"title":"VPN","context":{"a":-Infinity}}',
    "a name twice": b'{"title":"VPN","title":"DNS"}',
    "a name twice inside": b'{"title":"VPN","context":{"a":1,"a":2}}',
    "not UTF-8": b'{"title":"\xff\xfe"}',
    "UTF-16": '{"title":"VPN"}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"title":"VPN"}',
    "overlong UTF-8": b'{"title":"\xc0\x80"}',
    "a surrogate in UTF-8": b'{"title":"\xed\xa0\x80"}',
    "NUL": b'{"title":"a\\u0000b"}',
    "a bare NUL": b'{"title":"a\x00b"}',
    "a lone surrogate": b'{"title":"a\\ud800"}',
    "a lone surrogate as a name": b'{"title":"VPN","\\udfff":1}',
    "NUL in the context": b'{"title":"VPN","context":{"a\\u0000":1}}',
    "a surrogate in the context": b'{"title":"VPN","context":{"a":["\\ud800"]}}',
    "an unknown field": b'{"title":"VPN","account_id":"x"}',
    "another type": b'{"title":5}',
    "a blank title": b'{"title":" "}',
    "a prototype": b'{"title":"VPN","__proto__":{}}',
}


@pytest.mark.parametrize("name", BODIES)
async def test_a_body_that_nobody_understands(front_desk: Desk, name: str) -> None:
    made_before = (await front_desk.http(BO).get("/ai-sessions")).json()
    found = refused(await post(front_desk, BODIES[name]), 422, "invalid")
    assert found["errors"][0]["path"].startswith("body")
    assert (await front_desk.http(BO).get("/ai-sessions")).json() == made_before


@pytest.mark.parametrize(
    "context",
    [
        {"a": 1e22, "b": 5e-324, "c": 10**299, "d": -0.0},
        {"a": "\U0001f600", "\u00e9": "\\u0000 as words"},
        {"a": {"b": [[[[[]]]]]}, "": None, "__proto__": True},
        {"brackets": "[{" * 500},
    ],
)
async def test_a_body_that_is_odd_and_sound(front_desk: Desk, context: dict[str, Any]) -> None:
    body = json.dumps({"title": "VPN", "context": context}).encode()
    answer = await post(front_desk, body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["context"] == context


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/jsonx",
        "text/json",
        "nonsense",
        "",
    ],
)
async def test_a_body_must_call_itself_json(front_desk: Desk, content_type: str) -> None:
    answer = await post(front_desk, b'{"title":"VPN"}', **{"Content-Type": content_type})
    refused(answer, 415, "unsupported-media-type")


async def test_a_body_without_a_content_type(front_desk: Desk) -> None:
    answer = await ask(
        front_desk, head(front_desk, "POST /ai-sessions", "Content-Length: 2") + b"{}"
    )
    assert answer.status == 415


@pytest.mark.parametrize(
    "content_type",
    ["application/json; charset=utf-8", "APPLICATION/JSON", "application/vnd.handoff+json"],
)
async def test_kinds_of_json(front_desk: Desk, content_type: str) -> None:
    answer = await post(front_desk, b'{"title":"VPN"}', **{"Content-Type": content_type})
    assert answer.status_code == 201


# Where it goes.

PATHS = [
    "/ai-sessions/../../etc/passwd",
    "/ai-sessions/..%2f..%2fetc%2fpasswd",
    "/ai-sessions/%00",
    "/ai-sessions/%ed%a0%80",
    "/ai-sessions/%ff%fe",
    "/ai-sessions/" + "9" * 5000,
    "/ai-sessions/1%20OR%201=1",
    "/ai-sessions/%",
    "/ai-sessions/queue%00",
    "/ai-sessions/queue?limit=1e400",
    "/ai-sessions/queue?limit=" + "9" * 5000,
    "/ai-sessions/queue?status=%00",
    "/ai-sessions/queue?status=%ed%a0%80",
    "/ai-sessions/queue?scope=../..",
    "/ai-sessions/queue?cursor=%00",
    "/ai-sessions/queue?cursor=%ff",
    "/ai-sessions/queue?cursor=AAAA",
    "/ai-sessions?cursor=%00",
    "/ai-sessions?limit=-1",
    "//ai-sessions",
    "/ai-sessions/",
    "/ai-sessions/queue/",
    "/nowhere",
    "/.git/config",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/static/../app.py",
    "/static/..%2fapp.py",
]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path[:40])
async def test_a_path_that_leads_nowhere(front_desk: Desk, path: str) -> None:
    answer = await ask(front_desk, head(front_desk, f"GET {path}"))
    assert answer.status in (404, 422), answer
    assert answer.problem
    assert b"passwd" not in answer.body


async def test_a_path_in_no_alphabet(front_desk: Desk) -> None:
    assert (await ask(front_desk, head(front_desk, "GET /\xff\xfe"))).status == 400


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("DELETE /ai-sessions", 405),
        ("PUT /ai-sessions/queue", 405),
        ("PATCH /livez", 405),
        ("OPTIONS /ai-sessions", 405),
        ("TRACE /ai-sessions", 405),
        ("BREW /ai-sessions", 400),
        ("POST /nowhere", 404),
        ("CONNECT desk.test:443", 400),
    ],
)
async def test_a_method_that_is_not_allowed(front_desk: Desk, line: str, status: int) -> None:
    answer = await ask(front_desk, head(front_desk, line))
    assert answer.status == status, answer
    assert answer.problem
    if status == 405:
        assert answer.headers["allow"]


async def test_a_head_has_no_body(front_desk: Desk) -> None:
    async with Wire(front_desk) as wire:
        await wire.send(head(front_desk, "HEAD /livez"))
        text = await wire.reader.readuntil(b"\r\n\r\n")
        await wire.send(head(front_desk, "GET /livez"))
        assert (await wire.answer()).status == 200
    assert text.startswith(b"HTTP/1.1 ")


@pytest.mark.parametrize(
    "request_",
    [
        b"\x00\x01\x02\x03\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\nBad Header: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        b"POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n",
    ],
    ids=lambda request_: repr(request_)[:40],
)
async def test_what_is_not_http(front_desk: Desk, request_: bytes) -> None:
    async with Wire(front_desk) as wire:
        await wire.send(request_)
        answer: Answer = await wire.answer()
        assert 400 <= answer.status < 500
        assert answer.problem


# What every answer says.


@pytest.mark.parametrize("path", ["/livez", "/ai-sessions", "/nowhere", "/ai-sessions/x"])
async def test_what_every_answer_tells_a_browser(front_desk: Desk, path: str) -> None:
    answer = await front_desk.http(BO).get(path, headers={"Origin": "https://evil.test"})
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "server" not in answer.headers
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_no_other_site_may_ask(front_desk: Desk) -> None:
    answer = await front_desk.http().options(
        "/ai-sessions",
        headers={"Origin": "https://evil.test", "Access-Control-Request-Method": "POST"},
    )
    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.expects_errors
async def test_a_bug_of_ours_says_nothing_of_the_inside(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def bug(*_: Any, **__: Any) -> None:
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr("api.routes.sessions.sessions.find_session", bug)
    answer = await desk.http(BO).get(f"/ai-sessions/{NOBODY}")
    refused(answer, 500, "internal")
    assert "secret" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


async def test_pipelined_requests_are_answered_in_order(front_desk: Desk) -> None:
    body = json.dumps({"title": "VPN"}).encode()
    async with Wire(front_desk) as wire:
        await wire.send(
            posting(front_desk, "/ai-sessions", body) * 3 + head(front_desk, "GET /livez")
        )
        assert [(await wire.answer()).status for _ in range(4)] == [201, 201, 201, 200]


@pytest.mark.parametrize(
    "remind_at",
    ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "2020-01-01T00:00:00Z"],
)
async def test_a_reminder_lies_ahead_on_the_calendar(desk: Desk, remind_at: str) -> None:
    session_id = await desk.start_session()
    refused = await desk.hand_off(session_id, intent="park", remind_at=remind_at)
    assert refused.status_code == 422
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert (await desk.hand_off(session_id, remind_at=soon)).status_code == 422
    assert (await desk.hand_off(session_id, intent="park", remind_at=soon)).status_code == 201


async def test_a_context_is_measured_as_it_was_sent(desk: Desk) -> None:
    session_id = await desk.start_session()
    fits = {"a": "x" * (32 * 1024 - len('{"a":""}'))}
    over = {"a": fits["a"] + "x"}
    assert (await desk.hand_off(session_id, intent="park", context=over)).status_code == 422
    assert (await desk.hand_off(session_id, intent="park", context=fits)).status_code == 201
