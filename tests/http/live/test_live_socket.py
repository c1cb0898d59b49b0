"""The same stream over WebSocket: the same envelopes, and nothing that a client says hurts."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.support import history, raw
from tests.support.cast import AMIR, BO, CHEN, HUGO, OLIVE, Member
from tests.support.cookies import cookie_of
from tests.support.desk import Desk
from tests.support.pools import checkouts

EVIL = "https://evil.test"


@asynccontextmanager
async def talk(
    desk: Desk, who: Member | None = AMIR, **how: Any
) -> AsyncIterator[ClientConnection]:
    """An open socket of `who`."""
    headers = {"Authorization": f"Bearer {desk.token(who)}"} if who else {}
    headers |= how.pop("headers", {})
    address = desk.base_url.replace("http", "ws", 1) + how.pop("path", "/events/ws")
    async with connect(address, additional_headers=headers, proxy=None, **how) as socket:
        yield socket


async def say(socket: ClientConnection, **frame: Any) -> None:
    await socket.send(json.dumps(frame))


async def hear(socket: ClientConnection, *, within: float = 10.0) -> dict[str, Any]:
    async with asyncio.timeout(within):
        frame: dict[str, Any] = json.loads(await socket.recv())
        return frame


async def hear_to(socket: ClientConnection, number: int) -> list[int]:
    """The numbers of the events up to this one."""
    numbers = [int((await hear(socket))["id"])]
    while numbers[-1] < number:
        numbers.append(int((await hear(socket))["id"]))
    return numbers


async def test_it_brings_what_sse_brings(desk: Desk) -> None:
    async with talk(desk) as socket, talk(desk, HUGO) as foreign, desk.listen(CHEN) as chen:
        handoff = await desk.park(BO)
        written = await history.write(desk, handoff, 30)
        await chen.hear_number(written[-1])
        for frame in chen.frames:
            assert await hear(socket) == frame.data
        with pytest.raises(TimeoutError):
            await hear(foreign, within=0.3)


@pytest.mark.desk(rate_requests_per_user=30)
async def test_what_is_said_on_a_socket_spends_what_requests_spend(desk: Desk) -> None:
    assert desk.services is not None
    async with talk(desk, OLIVE) as socket:
        with checkouts(desk.services.database) as taken, suppress(ConnectionClosed):
            for number in range(2_000):
                await say(socket, seen=[number + 1])
        async with asyncio.timeout(10):
            await socket.wait_closed()
    assert socket.close_code == 4429
    assert len(taken) <= 30
    # It is one purse: what was said there cannot be asked here.
    assert (await desk.http(OLIVE).get("/me")).status_code == 429


@pytest.mark.desk(streams_per_user=3)
async def test_one_person_holds_so_many_streams_of_either_kind(desk: Desk) -> None:
    async with desk.listen(CHEN), desk.listen(CHEN), talk(desk, CHEN):
        refused = await desk.http(CHEN).get("/events")
        assert refused.status_code == 429
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["type"] == "/problems/too-many-streams"
        assert refused.headers["retry-after"]
        with pytest.raises(InvalidStatus) as denied:
            async with talk(desk, CHEN):
                pass
        assert denied.value.response.status_code == 429
        # Nobody else is concerned.
        async with talk(desk, AMIR), desk.listen(BO):
            pass

    async def stands() -> bool:
        async with desk.listen(CHEN), desk.listen(CHEN), desk.listen(CHEN):
            return True

    # What has ended holds no place.
    assert await desk.until(stands)


async def test_the_first_frame_says_where_to_go_on(desk: Desk) -> None:
    handoff = await desk.park(BO)
    written = await history.write(desk, handoff, 300)
    for start in (0, 150, written[-1] - 1):
        async with talk(desk) as socket:
            await say(socket, resume_from=start)
            assert await hear_to(socket, written[-1]) == list(range(start + 1, written[-1] + 1))


@pytest.mark.parametrize("where", ["header", "query"])
async def test_the_handshake_may_say_it_too(desk: Desk, where: str) -> None:
    handoff = await desk.park(BO)
    written = await history.write(desk, handoff, 9)
    how: dict[str, Any] = {"headers": {"Last-Event-ID": "4"}}
    if where == "query":
        how = {"path": "/events/ws?last_event_id=4"}
    async with talk(desk, **how) as socket:
        assert await hear_to(socket, written[-1]) == [5, 6, 7, 8, 9, 10]


async def test_a_late_first_frame_is_heard_all_the_same(desk: Desk) -> None:
    handoff = await desk.park(BO)
    written = await history.write(desk, handoff, 5)
    async with talk(desk) as socket:
        written += await history.write(desk, handoff, 1)
        # By now the stream has begun without waiting any longer.
        assert (await hear(socket))["id"] == str(written[-1])
        await say(socket, resume_from=2)
        assert await hear_to(socket, written[-1]) == [3, 4, 5, 6, 7]


@pytest.mark.parametrize("position", [999, -1, "abc", 1.5, None, True, [], {}, 10**30, "9" * 5000])
async def test_a_position_of_no_use_is_told_the_present_one(desk: Desk, position: Any) -> None:
    handoff = await desk.park(BO)
    async with talk(desk) as socket:
        await say(socket, resume_from=position)
        assert await hear(socket) == {"type": "resync", "data": {"number": 1}}
        (number,) = await history.write(desk, handoff, 1)
        assert (await hear(socket))["id"] == str(number)


HARMLESS: dict[str, str | bytes] = {
    "binary": b"\x00\xff\xfe",
    "no JSON": "{",
    "nothing": "",
    "nested": "[" * 5000,
    "digits": "9" * 8000,
    "a list": "[1, 2]",
    "a string": '"resume_from"',
    "unknown": '{"claim": 1}',
    "seen nonsense": '{"seen": "all"}',
    "seen too many": json.dumps({"seen": list(range(1, 300))}),
    "seen hugely": json.dumps({"seen": [2**63, 10**40, -1, 1.5, None]}),
    "surrogate": '{"seen": ["\\ud800"]}',
}


@pytest.mark.parametrize("kind", HARMLESS)
async def test_what_makes_no_sense_changes_nothing(desk: Desk, kind: str) -> None:
    handoff = await desk.park(BO)
    async with talk(desk) as socket:
        for _ in range(3):
            await socket.send(HARMLESS[kind])
        (number,) = await history.write(desk, handoff, 1)
        assert (await hear(socket))["id"] == str(number)


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (raw.masked(0x1, b"\xff\xfe"), 1007),
        (raw.masked(0x1, b"x" * 10_000), 1009),
        (raw.masked(0x2, b"x" * 1_000_000), 1009),
        (raw.masked(0x3, b"reserved"), 1002),
        (b"\xff" * 100, 1002),
        (b"\x81\x05hello", 1002),
    ],
)
async def test_what_is_no_frame_ends_that_connection_alone(
    desk: Desk, frame: bytes, code: int
) -> None:
    handoff = await desk.park(BO)
    headers = {"Authorization": f"Bearer {desk.token(AMIR)}"} | raw.UPGRADE
    async with talk(desk, CHEN) as other:
        async with raw.requested(desk.base_url, "/events/ws", headers) as socket:
            assert b"101 Switching" in await raw.read_some(socket)
            with_suppressed = asyncio.get_running_loop().sock_sendall(socket, frame)
            await asyncio.gather(with_suppressed, return_exceptions=True)
            answer = await raw.read_some(socket)
            assert answer[:1] in (b"\x88", b"")
            if answer:
                assert int.from_bytes(answer[2:4], "big") == code
        await history.write(desk, handoff, 1)
        assert (await hear(other))["type"] == "handoff.reminded"


async def test_no_identity_no_socket(desk: Desk) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with talk(desk, None):
            pass
    answer = refused.value.response
    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/problem+json"


def cookie(desk: Desk, who: Member) -> dict[str, str]:
    """A browser's headers after it has signed in."""
    return {"Cookie": cookie_of(desk, who)}


async def test_a_browser_of_ours_comes_in_by_its_cookie(desk: Desk) -> None:
    headers = cookie(desk, AMIR) | {"Origin": desk.settings.public_url}
    async with talk(desk, None, headers=headers) as socket:
        await desk.park(BO)
        assert (await hear(socket))["type"] == "handoff.parked"


@pytest.mark.parametrize("origin", [EVIL, "null", None])
async def test_a_page_of_somebody_elses_does_not(desk: Desk, origin: str | None) -> None:
    headers = cookie(desk, AMIR) | ({"Origin": origin} if origin else {})
    with pytest.raises(InvalidStatus):
        async with talk(desk, None, headers=headers):
            pass


@pytest.mark.desk(stream_rights="200ms")
async def test_the_rights_end_and_so_does_the_socket(desk: Desk) -> None:
    async with talk(desk, CHEN) as socket:
        await history.sql(desk, "UPDATE users SET is_active = false WHERE id = $1", CHEN.id)
        assert await hear(socket) == {"type": "bye", "data": {"reason": "rights"}}
        with pytest.raises(ConnectionClosed) as closed:
            await hear(socket)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401


@pytest.mark.desk(stream_keep_alive="200ms")
async def test_a_quiet_socket_says_where_it_stands(desk: Desk) -> None:
    async with talk(desk) as socket:
        for _ in range(2):
            assert await hear(socket) == {"type": "keep-alive", "data": {"number": 0}}
        pong = await socket.ping()
        async with asyncio.timeout(5):
            await pong
