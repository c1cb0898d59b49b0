"""Where what is in files is kept: in PostgreSQL, or in a bucket, which may be slow, dead, or hold
what nobody names. The same stories for both, as far as they are the same."""

import asyncio
import os
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from handoff import bucket
from handoff.bucket import Bucket, BucketPlace, must_take_files
from handoff.database import contents as contents_module
from handoff.database.contents import Contents
from handoff.database.operations import upkeep
from handoff.errors import ConfigurationError, FilesUnreachable
from handoff.stack.doctor.reach import ask_bucket
from tests.http.test_files import MIB, add, added
from tests.http.test_files_bounds import _truth, raw, rows
from tests.support.bucket import NAME
from tests.support.cast import BO, CHEN, HUGO
from tests.support.desk import Desk
from worker.sweep import Sweep

NOW = timedelta(0)

in_a_bucket = pytest.mark.parametrize("files_desk", ["bucket"], indirect=True)


async def kept(desk: Desk) -> set[str]:
    """The addresses of all objects in the desk's place; none where it has no bucket."""
    if desk.settings.files_url is None:
        return set()
    place = BucketPlace(desk.settings.files_url)
    return {place.url(one.key) for one in await Bucket(NAME).page(place.prefix)}


async def chunks(content: bytes) -> Any:
    yield content


async def test_ten_mebibytes_are_read_from_anywhere(files_desk: Desk) -> None:
    """In an object of several parts, and over the borders of what is read at once."""
    content = os.urandom(10 * MIB)
    path = await added(files_desk, BO, await files_desk.start_session(), content)
    assert (await files_desk.http(CHEN).get(path)).content == content
    for begin, end in ((MIB - 1, MIB + 1), (5 * MIB - 3, 7 * MIB + 3), (10 * MIB - 2, 10 * MIB)):
        got = await files_desk.http(CHEN).get(path, headers={"Range": f"bytes={begin}-{end - 1}"})
        assert (got.status_code, got.content == content[begin:end]) == (206, True)


async def test_half_a_file_leaves_nothing_anywhere(files_desk: Desk) -> None:
    before = await rows(files_desk), await kept(files_desk)
    path = f"/ai-sessions/{await files_desk.start_session()}/files"
    answer = await raw(files_desk, path, "Content-Length: 8000000", b"x" * 6_000_000)
    assert b"201 Created" not in answer
    assert (await rows(files_desk), await kept(files_desk)) == before


async def test_what_is_taken_away_is_nowhere(files_desk: Desk) -> None:
    before = await kept(files_desk)
    path = await added(files_desk, BO, await files_desk.start_session())
    assert (await files_desk.http(BO).delete(path)).status_code == 204
    assert (await files_desk.http(BO).get(path)).status_code == 404

    async def gone() -> bool:
        return await kept(files_desk) == before

    await files_desk.until(gone)


async def test_its_age_takes_it_from_everywhere(files_desk: Desk) -> None:
    path = await added(files_desk, BO, await files_desk.start_session())
    assert await upkeep.purge_files(files_desk.database, older_than=NOW) >= 1
    assert (await files_desk.http(BO).get(path)).status_code == 404
    await Sweep(files_desk.database, files_desk.settings).look(older_than=NOW)
    assert (await rows(files_desk), await kept(files_desk)) == ((0, 0), set())


@in_a_bucket
async def test_only_what_nobody_names_is_swept(files_desk: Desk, bucket_url: str) -> None:
    """Not what is young, not what a file names, not what is none of ours."""
    path = await added(files_desk, BO, await files_desk.start_session())
    named = await kept(files_desk)
    assert files_desk.services is not None
    put = files_desk.services.contents.put
    left = await put(BO.account_id, chunks(b"its process died"))
    elsewhere = await put(UUID(int=7), chunks(b"another installation's"))
    foreign = BucketPlace(bucket_url).key("report.csv")
    await Bucket(NAME).put(foreign, chunks(b"nobody's"))
    strange = {str(elsewhere), f"s3://{NAME}/{foreign}"}
    sweep = Sweep(files_desk.database, files_desk.settings)
    assert await sweep.look() == 0
    assert await kept(files_desk) == named | strange | {str(left)}
    assert await sweep.look(older_than=NOW) == 1
    assert await kept(files_desk) == named | strange
    assert (await files_desk.http(BO).get(path)).content == b"line\n"
    await Bucket(NAME).delete(*(BucketPlace(url).prefix for url in strange))


@in_a_bucket
async def test_what_is_forgotten_leaves_the_bucket_that_is_not_for_new_files_any_more(
    files_desk: Desk,
) -> None:
    """It is the record that knows of it, so whichever process was killed, it is deleted once."""
    desk = files_desk
    before = await kept(desk)
    await added(desk, BO, await desk.start_session())
    [left] = await kept(desk) - before
    assert await upkeep.purge_files(desk.database, older_than=NOW) >= 1
    assert left in await upkeep.left_objects(desk.database, limit=100)
    unset = desk.settings.model_copy(update={"files_url": None})
    await Sweep(desk.database, unset).look()
    assert left not in await kept(desk)
    assert await upkeep.left_objects(desk.database, limit=100) == []


@in_a_bucket
async def test_each_file_is_read_where_it_was_put(
    files_desk: Desk, bucket_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The setting tells of new files alone."""
    assert files_desk.services is not None
    session_id = await files_desk.start_session()
    paths = []
    for url in (bucket_url, None, bucket_url):
        settings = files_desk.settings.model_copy(update={"files_url": url})
        contents = Contents(files_desk.services.database, settings)
        monkeypatch.setattr(files_desk.services, "contents", contents)
        paths.append(await added(files_desk, BO, session_id, str(url).encode()))
        found = [(await files_desk.http(BO).get(path)).text for path in paths]
        assert found == [bucket_url, "None", bucket_url][: len(paths)]


def elsewhere(desk: Desk, monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    """The bucket is asked for there from now on."""
    assert desk.services is not None
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setattr(desk.services, "contents", Contents(desk.services.database, desk.settings))


@in_a_bucket
async def test_a_dead_bucket_is_said_in_time(
    files_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To who asks for what is in it; what is in PostgreSQL goes on, and so does taking away."""
    desk = files_desk
    session_id = await desk.start_session()
    path = await added(desk, BO, session_id)
    before = await kept(desk)
    with monkeypatch.context() as dead:
        elsewhere(desk, dead, "http://127.0.0.1:9")
        answers = [await add(desk, BO, session_id), await desk.http(BO).get(path)]
        for answer in answers:
            told = (answer.status_code, answer.json()["type"], answer.headers["Retry-After"])
            assert told == (503, "/problems/files-unreachable", "2")
            assert "127.0.0.1" not in answer.text
        ready = (await desk.operator().get("/readyz")).json()["checks"]["files"]
        assert ready["status"] == "degraded"
        assert ready["detail"] == "The bucket of HANDOFF_FILES_URL: it does not answer"
        assert (await desk.http(BO).delete(path)).status_code == 204
        assert (await desk.http(BO).get(f"/ai-sessions/{session_id}/files")).json() == []
        assert await Sweep(desk.database, desk.settings).look(older_than=NOW) == 0
    assert await kept(desk) == before
    assert await Sweep(desk.database, desk.settings).look(older_than=NOW) == 1


@in_a_bucket
async def test_nobody_else_waits_for_a_silent_bucket(
    files_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than may put at once are told so; meanwhile everything else goes on."""
    session_id = await files_desk.start_session()
    assert files_desk.services is not None
    under_way = files_desk.services.uploads._under_way
    monkeypatch.setattr(bucket, "PUT_WITHIN", 2.0)
    monkeypatch.setattr(contents_module, "TURN_WITHIN", 1.5)
    with socket.create_server(("127.0.0.1", 0)) as silent, monkeypatch.context() as slow:
        elsewhere(files_desk, slow, f"http://127.0.0.1:{silent.getsockname()[1]}")
        began = time.perf_counter()
        sending = [asyncio.create_task(add(files_desk, BO, session_id)) for _ in range(8)]
        await files_desk.until(lambda: _truth(under_way.total() == 8))
        assert (await files_desk.http(CHEN).get("/ai-sessions")).status_code == 200
        assert time.perf_counter() - began < 1.5
        answers = await asyncio.gather(*sending)
    told = Counter(answer.json()["type"] for answer in answers)
    assert told == {"/problems/files-unreachable": 2, "/problems/busy": 6}
    assert {answer.headers["Retry-After"] for answer in answers} == {"2"}
    assert time.perf_counter() - began < 4


@in_a_bucket
async def test_one_accounts_files_leave_others_their_turn(files_desk: Desk) -> None:
    contents = Contents(files_desk.database, files_desk.settings)
    goes_on = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        await goes_on.wait()
        yield b"x"

    first = [asyncio.create_task(contents.put(BO.account_id, slow())) for _ in range(4)]
    await asyncio.sleep(0)
    async with asyncio.timeout(4):
        assert await contents.put(HUGO.account_id, chunks(b"theirs"))
    goes_on.set()
    await asyncio.gather(*first)


@asynccontextmanager
async def answering(status: str) -> AsyncIterator[str]:
    """Its address: to whatever is asked, it says so and no more, as what is no bucket does."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            said = f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            writer.write(said.encode())
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@in_a_bucket
async def test_what_is_no_bucket_has_lost_nothing(
    files_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bare 404 is not the word of a bucket that an object is gone."""
    async with answering("404 Not Found") as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        asked = Bucket(NAME)
        for ask in (
            asked.put("a", chunks(b"x")),
            asked.read("a", range(1)),
            asked.delete("a"),
            asked.page("a"),
        ):
            with pytest.raises(FilesUnreachable) as fault:
                await ask
            assert (fault.value.cause, fault.value.refused) == ("it answers 404", True)
        with pytest.raises(ConfigurationError, match="HANDOFF_FILES_URL: it answers 404"):
            await must_take_files(files_desk.settings)


@in_a_bucket
@pytest.mark.expects_errors
@pytest.mark.parametrize("status", ["429 Too Many Requests", "408 Request Timeout"])
async def test_a_bucket_that_has_no_time_stops_no_start(
    files_desk: Desk, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    async with answering(status) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        await must_take_files(files_desk.settings)


@in_a_bucket
async def test_a_bucket_that_refuses_us_stops_the_start(files_desk: Desk) -> None:
    await must_take_files(files_desk.settings)
    wrong = files_desk.settings.model_copy(update={"files_url": "s3://no-such-bucket"})
    with pytest.raises(ConfigurationError) as refused:
        await must_take_files(wrong)
    assert refused.value.detail == "HANDOFF_FILES_URL: it answers 404 NoSuchBucket"
    for url, code in ((files_desk.settings.files_url, 0), (wrong.files_url, 3)):
        [told] = await asyncio.to_thread(ask_bucket, str(url))
        assert told.code == code, told


@in_a_bucket
@pytest.mark.expects_errors
async def test_a_bucket_that_is_away_stops_no_start(
    files_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    await must_take_files(files_desk.settings)
