"""The stream's contract over SSE: gapless, in order, resumable, and honest where it cannot be."""

import asyncio
from uuid import uuid4

import httpx
import pytest

from api.live import stream
from tests.support import history
from tests.support.cast import AMIR, BO, CHEN, HUGO, VERA
from tests.support.desk import Desk, Handoff

SOON = 2.0
"""Far below the quiet read, so that only the doorbell can have told."""


async def parked(desk: Desk) -> Handoff:
    """Something to have events, without mail."""
    return await desk.park(BO)


@pytest.mark.desk(stream_quiet="30s")
async def test_everybody_of_the_account_hears_each_event_once_and_in_order(desk: Desk) -> None:
    async with desk.listen(AMIR) as amir, desk.listen(VERA) as vera, desk.listen(HUGO) as hugo:
        handoff = await parked(desk)
        written = await history.write(desk, handoff, 500)
        for listener in (amir, vera):
            await listener.hear_number(written[-1])
            assert listener.numbers == list(range(1, written[-1] + 1))
        assert hugo.frames == []


@pytest.mark.desk(stream_quiet="30s")
async def test_an_event_is_an_envelope_in_a_frame_of_its_own(desk: Desk) -> None:
    async with desk.listen(AMIR) as amir:
        handoff = await parked(desk)
        frame = await amir.hear("parked", within=SOON)
    envelope = frame.data
    assert envelope["specversion"] == "1.0"
    assert envelope["id"] == frame.id == "1"
    assert envelope["source"] == f"/accounts/{BO.account_id}"
    assert (envelope["type"], envelope["subject"]) == ("handoff.parked", str(handoff.id))
    assert envelope["data"]["engineer_notes"] is None


async def test_a_stream_starts_with_what_comes_next_and_says_where_it_stands(desk: Desk) -> None:
    handoff = await parked(desk)
    await history.write(desk, handoff, 20)
    async with desk.listen(AMIR) as amir:
        assert (amir.retry, amir.position) == ("2000", "21")
        (number,) = await history.write(desk, handoff, 1)
        await amir.hear_number(number)
        assert amir.numbers == [22]


async def test_nothing_is_missed_between_the_queue_and_its_stream(desk: Desk) -> None:
    handoff = await parked(desk)

    async def writing() -> None:
        for _ in range(40):
            await history.write(desk, handoff, 3)

    async def reading() -> None:
        page = await desk.http(AMIR).get("/ai-sessions/queue")
        start = page.headers["Last-Event-ID"]
        async with desk.listen(AMIR, start) as amir:
            await amir.hear_number(121, within=20)
            assert amir.numbers == list(range(int(start) + 1, 122))

    async with asyncio.TaskGroup() as group:
        group.create_task(writing())
        for _ in range(10):
            group.create_task(reading())
            await asyncio.sleep(0)


async def test_nothing_is_missed_once_a_stream_has_answered(desk: Desk) -> None:
    handoff = await parked(desk)
    for _ in range(20):
        async with desk.listen(AMIR) as amir:
            assert amir.position is not None
            (number,) = await history.write(desk, handoff, 1, ring=False)
            assert number == int(amir.position) + 1
            await history.write(desk, handoff, 1)
            await amir.hear_number(number + 1)
            assert amir.numbers == [number, number + 1]


@pytest.mark.parametrize("behind", [1, 7, 200, 600])
async def test_a_client_goes_on_after_the_last_event_it_has_seen(desk: Desk, behind: int) -> None:
    handoff = await parked(desk)
    written = await history.write(desk, handoff, 600)
    # Somebody else keeps the account's feed alive, so that it has the newest events at hand.
    async with desk.listen(CHEN, str(written[-1])) as chen:
        written += await history.write(desk, handoff, 100)
        await chen.hear_number(written[-1])
        start = written[-1] - behind
        async with desk.listen(AMIR, str(start)) as amir:
            written += await history.write(desk, handoff, 2)
            await amir.hear_number(written[-1])
            assert amir.numbers == list(range(start + 1, written[-1] + 1))


async def test_zero_is_the_beginning(desk: Desk) -> None:
    handoff = await parked(desk)
    async with desk.listen(AMIR, "0") as amir:
        written = await history.write(desk, handoff, 3)
        await amir.hear_number(written[-1])
        assert amir.numbers == [1, 2, 3, 4]
        assert not [frame for frame in amir.frames if frame.event == "resync"]


@pytest.mark.parametrize(
    "position",
    ["999", "-1", "abc", "1.5", "0x1", "1" * 19, "1" * 5000, "¹", "1 2", "null"],
)
async def test_a_position_of_no_use_is_told_the_present_one(desk: Desk, position: str) -> None:
    handoff = await parked(desk)
    written = await history.write(desk, handoff, 4)
    async with desk.listen(AMIR, position) as amir:
        resync = await amir.hear("resync")
        assert (resync.id, resync.data) == ("5", {"number": 5})
        (number,) = await history.write(desk, handoff, 1)
        await amir.hear_number(number)
        assert amir.numbers == [written[-1], number]


async def test_a_position_whose_successors_are_gone_is_too_old(desk: Desk) -> None:
    handoff = await parked(desk)
    await history.write(desk, handoff, 5)
    await history.sql(desk, "DELETE FROM deliveries WHERE event_number <= 3")
    await history.sql(desk, "DELETE FROM events WHERE number <= 3")
    async with desk.listen(AMIR, "2") as amir, desk.listen(CHEN, "3") as chen:
        assert (await amir.hear("resync")).data == {"number": 6}
        await chen.hear_number(6)
        assert chen.numbers == [4, 5, 6]


async def test_whoever_is_too_far_behind_reads_the_queue_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "REPLAY", 10)
    handoff = await parked(desk)
    await history.write(desk, handoff, 19)
    async with desk.listen(AMIR, "9") as amir, desk.listen(CHEN, "10") as chen:
        assert (await amir.hear("resync")).data == {"number": 20}
        await chen.hear_number(20)
        assert chen.numbers == list(range(11, 21))


@pytest.mark.desk(stream_quiet="500ms")
async def test_a_ring_that_was_lost_is_healed_by_the_quiet_read(desk: Desk) -> None:
    handoff = await parked(desk)
    async with desk.listen(AMIR) as amir:
        written = await history.write(desk, handoff, 3, ring=False)
        await amir.hear_number(written[-1], within=5)
        assert amir.numbers == written


@pytest.mark.desk(stream_keep_alive="200ms")
async def test_a_quiet_stream_says_that_it_lives(desk: Desk) -> None:
    async with desk.listen(AMIR) as amir:
        await amir.hear_keep_alive()
        await amir.hear_keep_alive()
        assert amir.frames == []


async def test_what_redis_says_is_never_believed(desk: Desk) -> None:
    assert desk.services is not None
    redis = desk.services.redis
    channel = f"handoff:account:{BO.account_id}"
    forged = '{"specversion":"1.0","id":"2","type":"handoff.claimed","data":{}}'
    handoff = await parked(desk)
    async with desk.listen(AMIR) as amir:
        raw = redis.connection_pool.connection_kwargs
        assert raw["decode_responses"]
        for nonsense in (
            forged,
            "",
            "{",
            "\x00" * 100,
            b"\xff\xfe\x80",
            b"\xc3" * 70_000,
            "9" * 30,
        ):
            await redis.publish(channel, nonsense)
            await redis.publish("handoff:people", nonsense)
        await redis.publish(f"{channel}:more", forged)
        await redis.publish(f"handoff:account:{uuid4()}", forged)
        (number,) = await history.write(desk, handoff, 1)
        await amir.hear_number(number, within=SOON)
        assert [frame.event for frame in amir.frames] == ["reminded"]


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "POST", "PUT", "DELETE"])
async def test_other_methods_are_answered_at_once(desk: Desk, method: str) -> None:
    answer = await desk.http(AMIR).request(method, "/events", timeout=SOON)
    assert answer.status_code == 405


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/event-stream", "nonsense"])
async def test_whatever_a_client_accepts_it_gets_the_stream(desk: Desk, accept: str) -> None:
    async with desk.http(AMIR).stream("GET", "/events", headers={"Accept": accept}) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        # A proxy that compressed it would hold events back.
        assert answer.headers["cache-control"] == "no-store, no-transform"
        assert answer.headers["x-accel-buffering"] == "no"
        assert "content-length" not in answer.headers


async def test_a_stranger_gets_a_problem_and_no_stream(desk: Desk) -> None:
    answer = await desk.http().get("/events")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


async def test_the_position_may_stand_in_the_query_and_the_header_counts(desk: Desk) -> None:
    handoff = await parked(desk)
    written = await history.write(desk, handoff, 5)
    for headers, first in (({}, written[2]), ({"Last-Event-ID": "5"}, written[-1])):
        path = f"/events?last_event_id={written[1]}"
        async with desk.http(AMIR).stream("GET", path, headers=headers) as answer:
            assert await first_id(answer) == first


async def first_id(answer: httpx.Response) -> int:
    async for line in answer.aiter_lines():
        if line.startswith("id: "):
            return int(line.removeprefix("id: "))
    raise AssertionError("the stream ended")


async def test_an_empty_position_is_none(desk: Desk) -> None:
    handoff = await parked(desk)
    async with desk.listen(AMIR, "") as amir:
        written = await history.write(desk, handoff, 1)
        await amir.hear_number(written[-1])
    assert amir.numbers == written
