"""Files on a session: how many, how large, by whom; what is cut, sent twice, forgotten."""

import asyncio
import resource
import time
from contextlib import suppress
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from sqlalchemy import func, insert, select, update

from handoff.database.operations import upkeep
from handoff.database.tables import FileChunkRow, FileRow, UserRow
from handoff.ids import new_id
from tests.http.people.test_api_tokens import made, program
from tests.http.test_files import BYTES, CALLED, add, added, named
from tests.support.cast import AMIR, BO, CHEN, HUGO, OLIVE, VERA
from tests.support.desk import Desk
from tests.support.staff import hire, hired

MIB = 1024 * 1024


async def rows(desk: Desk) -> tuple[int, int]:
    async with desk.database.engine_room() as connection:
        return (
            await connection.scalar(select(func.count()).select_from(FileRow)) or 0,
            await connection.scalar(select(func.count()).select_from(FileChunkRow)) or 0,
        )


async def test_bounds_of_size(front_desk: Desk) -> None:
    session_id = await front_desk.start_session()

    async def unannounced(size: int) -> Any:
        for _ in range(size // 65536):
            yield b"x" * 65536
        yield b"x" * (size % 65536)

    largest = await add(front_desk, BO, session_id, b"x" * (10 * MIB))
    assert (largest.status_code, largest.json()["size"]) == (201, 10 * MIB)
    before = await rows(front_desk)
    for content in (b"x" * (10 * MIB + 1), unannounced(10 * MIB + 1)):
        refused = await add(front_desk, BO, session_id, content)
        assert (refused.status_code, refused.json()["type"]) == (413, "/problems/too-large")
    empty = await add(front_desk, BO, session_id, b"")
    assert (empty.status_code, empty.json()["errors"][0]["type"]) == (422, "empty_file")
    assert await rows(front_desk) == before


async def test_the_last_place_is_taken_once(front_desk: Desk) -> None:
    desk = front_desk
    session_id = await desk.start_session()
    async with desk.database.account(BO.account_id) as tenant:
        for _ in range(49):
            await tenant.connection.execute(
                insert(FileRow).values(
                    id=new_id(),
                    account_id=BO.account_id,
                    session_id=session_id,
                    added_by_id=BO.id,
                    name="a",
                    size=1,
                    media_type=BYTES,
                    digest=b"",
                )
            )
    answers = await asyncio.gather(*(add(desk, BO, session_id) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    full = await add(desk, BO, session_id)
    assert (full.json()["type"], full.json()["limit"]) == ("/problems/too-many-files", 50)


async def raw(desk: Desk, path: str, headers: str, body: bytes, *, ends: bool = True) -> bytes:
    """Sends so much and no more, and reads what is answered. `ends`: says that nothing follows."""
    at = urlsplit(desk.base_url)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    lines = (
        f"POST {path} HTTP/1.1\r\nHost: {at.netloc}\r\nAuthorization: Bearer {desk.token(BO)}\r\n"
        f"Content-Disposition: attachment; filename=a\r\nConnection: close\r\n{headers}\r\n\r\n"
    )
    writer.write(lines.encode() + body)
    if ends:
        writer.write_eof()
    answer = await reader.read()
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return answer


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ("Content-Length: 500000", b"x" * 300_000),
        ("Transfer-Encoding: chunked", b"5\r\nhello\r\n"),
        ("Content-Length: 10485761", b"x"),
    ],
)
async def test_half_a_file_leaves_nothing_behind(
    front_desk: Desk, headers: str, body: bytes
) -> None:
    path = f"/ai-sessions/{await front_desk.start_session()}/files"
    assert b"201 Created" not in await raw(front_desk, path, headers, body)
    assert (await front_desk.http(BO).get(path)).json() == []
    assert front_desk.services is not None
    assert not front_desk.services.uploads._under_way


async def test_more_than_was_announced_is_no_part_of_it(front_desk: Desk) -> None:
    path = f"/ai-sessions/{await front_desk.start_session()}/files"
    answer = await raw(front_desk, path, "Content-Length: 5", b"hello, world", ends=False)
    assert b"201 Created" in answer
    assert [one["size"] for one in (await front_desk.http(BO).get(path)).json()] == [5]


async def test_what_is_sent_twice_is_there_once(front_desk: Desk) -> None:
    session_id = await front_desk.start_session()
    key = {"Idempotency-Key": uuid4().hex}
    first, again = [await add(front_desk, BO, session_id, b"once", **key) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    for content, headers in ((b"else", {}), (b"once", named("attachment; filename=b.log"))):
        other = await add(front_desk, BO, session_id, content, **key, **headers)
        assert other.json()["type"] == "/problems/idempotency-mismatch"
    assert len((await front_desk.http(BO).get(f"/ai-sessions/{session_id}/files")).json()) == 1


async def test_who_may_add(desk: Desk) -> None:
    """The holder; while a handoff lives also its escalator, whatever they are by now, and who may
    claim it."""
    desk.mail_matters = False
    session_id = await desk.start_session(BO)
    for who, status in ((BO, 201), (CHEN, 403), (AMIR, 403), (VERA, 403), (HUGO, 404)):
        assert (await add(desk, who, session_id)).status_code == status, who.name
    assert (await desk.hand_off(session_id, BO)).status_code == 201
    for who, status in ((BO, 201), (CHEN, 201), (AMIR, 201), (VERA, 403), (HUGO, 404)):
        assert (await add(desk, who, session_id)).status_code == status, who.name
    async with desk.database.engine_room() as connection:
        viewer = update(UserRow).where(UserRow.id == BO.id).values(role="viewer")
        await connection.execute(viewer)
    assert (await add(desk, BO, session_id)).status_code == 201
    for scopes, status in ((["handoffs:note"], 201), (["sessions:read"], 403)):
        token, _ = await made(desk, OLIVE, scopes=scopes)
        async with program(desk, token) as http:
            path = f"/ai-sessions/{session_id}/files"
            answer = await http.post(path, content=b"x", headers=CALLED)
            assert answer.status_code == status, scopes


async def test_who_may_take_it_away(front_desk: Desk) -> None:
    desk = front_desk
    session_id = await desk.start_session(BO)
    for by, status in ((CHEN, 403), (VERA, 403), (HUGO, 404), (BO, 204), (AMIR, 204), (OLIVE, 204)):
        path = await added(desk, BO, session_id)
        assert (await desk.http(by).delete(path)).status_code == status, by.name
        left = (await desk.http(BO).get(path)).status_code
        assert left == (404 if status == 204 else 200)
    other = await desk.start_session(BO)
    assert (await desk.http(BO).get(path.replace(str(session_id), str(other)))).status_code == 404
    assert (await desk.http(HUGO).get(path)).status_code == 404


async def test_it_goes_when_its_session_is_forgotten(desk: Desk) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate()
    path = await added(desk, BO, handoff.session_id)
    now = timedelta(0)
    assert await upkeep.purge_files(desk.database, older_than=now) == 0
    assert (await desk.command(BO, handoff, "cancel")).status_code == 200
    # Who is at the handoff at this moment is not met.
    await desk.until(lambda: upkeep.purge_closed(desk.database, closed_for=now))
    assert await upkeep.purge_files(desk.database, older_than=timedelta(days=1)) == 0
    assert await upkeep.purge_files(desk.database, older_than=now) == 1
    assert (await desk.http(BO).get(path)).status_code == 404
    assert await rows(desk) == (0, 0)


async def test_twenty_large_files_at_once_cost_no_memory_and_hold_up_no_claim(desk: Desk) -> None:
    """200 MiB arrive from twenty people, piece by piece; this process, which serves them, grows by
    less than a fifth of that. Somebody claims in the meantime, and nobody is refused."""
    desk.mail_matters = False
    handoff = await desk.escalate()
    await hire(desk, 20)

    async def slowly() -> Any:
        # Small ones: what waits to be sent is this process's memory, too.
        block = b"log line\n" * (MIB // 9 // 16)
        for _ in range(160):
            yield block
            await asyncio.sleep(0)

    assert (await add(desk, BO, handoff.session_id, slowly())).status_code == 201
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sending = [
        asyncio.create_task(add(desk, who, handoff.session_id, slowly())) for who in hired(20)
    ]
    assert desk.services is not None
    under_way = desk.services.uploads._under_way
    await desk.until(lambda: _truth(under_way.total() >= 5))
    began = time.perf_counter()
    claimed = await desk.claim(CHEN, handoff)
    took = time.perf_counter() - began
    assert claimed.status_code == 200
    answers = await asyncio.gather(*sending)
    assert [answer.status_code for answer in answers] == [201] * 20
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < 40, f"{grown:.0f} MiB more"
    assert took < 3, f"the claim took {took:.1f} s"
    assert not under_way


async def _truth(value: bool) -> bool:
    return value


async def test_nobody_sends_more_than_ten_at_once(front_desk: Desk) -> None:
    session_id = await front_desk.start_session()
    go_on = asyncio.Event()
    assert front_desk.services is not None
    under_way = front_desk.services.uploads._under_way

    async def held() -> Any:
        yield b"x"
        await go_on.wait()
        yield b"y"

    async with asyncio.TaskGroup() as group:
        held_back = [group.create_task(add(front_desk, BO, session_id, held())) for _ in range(10)]
        await front_desk.until(lambda: _truth(under_way[BO.id] == 10))
        refused = await add(front_desk, BO, session_id)
        other = await front_desk.start_session(CHEN)
        assert (await add(front_desk, CHEN, other)).status_code == 201
        go_on.set()
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "2")
    assert [task.result().status_code for task in held_back] == [201] * 10


async def test_nobody_who_may_not_add_is_listened_to(front_desk: Desk) -> None:
    """Nothing of it is put down: not of a stranger's, not of a viewer's, not where there is no
    room. The answer comes all the same."""
    assert front_desk.services is not None
    session_id = await front_desk.start_session()
    path = f"/ai-sessions/{session_id}/files"
    kept: list[int] = []

    async def sent() -> Any:
        for _ in range(8):
            yield b"x" * 65536
            kept.append(front_desk.services.uploads._under_way.total())  # type: ignore[union-attr]

    for who, status in ((None, 401), (VERA, 403), (HUGO, 404)):
        answer = await front_desk.http(who).post(path, content=sent(), headers=CALLED)
        assert answer.status_code == status
    assert set(kept) == {0}
