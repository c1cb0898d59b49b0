"""PostgreSQL goes away and comes back under open streams: they wait for it, and go on."""

import asyncio
import logging
from collections.abc import Iterator

import pytest
from sqlalchemy.exc import SQLAlchemyError
from websockets.exceptions import InvalidStatus

from tests.http.live.test_live_socket import hear, say, talk
from tests.support import history
from tests.support.cast import AMIR, BO, CHEN
from tests.support.desk import Desk
from tests.support.servers import Servers

pytestmark = pytest.mark.expects_errors


@pytest.fixture
def postgres(servers: Servers) -> Iterator[Servers]:
    """It runs again afterwards, whatever a test has done to it."""
    yield servers
    if not servers.postgres.runs:
        servers.postgres.start()


async def answers(desk: Desk) -> None:
    """Waits until the test's own connections have noticed, too."""

    async def does() -> bool:
        try:
            await desk.database.ping()
        except SQLAlchemyError:
            return False
        return True

    await desk.until(does)


def crashes(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What only a fault of ours writes into the log."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith(("uvicorn", "asyncio")) and record.levelno >= logging.ERROR
    ]


@pytest.mark.desk(stream_keep_alive="300ms", stream_rights="300ms", stream_quiet="1s")
async def test_streams_outlive_its_restarts(
    desk: Desk, postgres: Servers, caplog: pytest.LogCaptureFixture
) -> None:
    handoff = await desk.park(BO)
    await desk.stop_worker()
    async with desk.listen(AMIR) as amir, talk(desk, CHEN) as chen:
        written: list[int] = []
        for _ in range(3):
            postgres.postgres.stop()
            for _ in range(2):
                await amir.hear_keep_alive()
            postgres.postgres.start()
            await answers(desk)
            written += await history.write(desk, handoff, 4, ring=False)
            await amir.hear_number(written[-1])
        assert amir.numbers == written
        heard = [await hear(chen)]
        while heard[-1].get("id") != str(written[-1]):
            heard.append(await hear(chen))
        assert [int(frame["id"]) for frame in heard if "id" in frame] == written
        assert "keep-alive" in {frame["type"] for frame in heard}
    assert crashes(caplog) == []


@pytest.mark.desk(stream_keep_alive="300ms")
async def test_a_new_stream_is_told_to_come_back_later(
    desk: Desk, postgres: Servers, caplog: pytest.LogCaptureFixture
) -> None:
    await desk.stop_worker()
    postgres.postgres.stop()
    clock = asyncio.get_running_loop().time
    began = clock()
    answer = await desk.http(AMIR).get("/events")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    with pytest.raises(InvalidStatus):
        async with talk(desk, CHEN):
            pass
    assert clock() - began < 10
    postgres.postgres.start()
    async with desk.listen(AMIR):
        pass
    assert crashes(caplog) == []


@pytest.mark.desk(stream_keep_alive="300ms")
async def test_what_a_client_says_meanwhile_does_not_end_its_socket(
    desk: Desk, postgres: Servers, caplog: pytest.LogCaptureFixture
) -> None:
    handoff = await desk.park(BO)
    await desk.stop_worker()
    written = await history.write(desk, handoff, 3)
    async with talk(desk, CHEN) as chen:
        assert (await hear(chen))["type"] == "keep-alive"
        postgres.postgres.stop()
        await say(chen, seen=[1])
        await say(chen, resume_from=4711)
        assert (await hear(chen))["type"] == "keep-alive"
        postgres.postgres.start()
        frame = await hear(chen)
        while frame["type"] == "keep-alive":
            frame = await hear(chen)
        assert frame == {"type": "resync", "data": {"number": written[-1]}}
    assert crashes(caplog) == []
