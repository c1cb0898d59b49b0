"""What a process leaves in Redis that is killed: nobody is there for ever, and nothing piles up."""

from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis

from api.live import presence
from tests.faults.test_live_api import api, free_port
from tests.http.live.test_live_presence import parts, until_online
from tests.support.cast import ACME, AMIR, BO, CHEN, GLOBEX, HUGO, OLIVE
from tests.support.desk import Desk
from tests.support.listener import follow


async def _fields(redis: Redis, key: str) -> set[str]:
    return {str(field).partition("/")[0] for field in await redis.hkeys(key)}


@pytest.mark.timeout(120)
async def test_whoever_listened_at_a_killed_process_is_not_there_for_ever(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis = parts(desk).redis
    port = free_port()
    handoff = await desk.park(BO)
    async with api(desk, port) as process, desk.listen(CHEN):
        base_url = f"http://127.0.0.1:{port}"
        async with (
            follow(base_url, desk.token(AMIR)) as amir,
            follow(base_url, desk.token(HUGO)) as hugo,
        ):
            await desk.http(AMIR).post(f"{handoff.path}/viewing")
            await until_online(desk, BO, "Amir", "Chen")
            await until_online(desk, HUGO, "Hugo")
            process.kill()
            await process.wait()
            await amir.hear_end()
            await hugo.hear_end()
        # Nobody else renews this one: it ends by itself.
        assert 0 < await redis.ttl(f"handoff:online:{GLOBEX}") <= presence.ONLINE_FOR
        later = presence.ONLINE_FOR + 1
        monkeypatch.setattr(presence, "_now", lambda: datetime.now(UTC).timestamp() + later)
        async with desk.listen(OLIVE):
            await until_online(desk, BO, "Chen", "Olive")

            async def swept() -> bool:
                there = await _fields(redis, f"handoff:online:{ACME}")
                return there == {str(CHEN.id), str(OLIVE.id)}

            await desk.until(swept)
        await desk.http(BO).post(f"{handoff.path}/viewing")
        viewing = f"handoff:viewing:{ACME}:{handoff.id}"
        assert await _fields(redis, viewing) == {str(BO.id)}
    async for key in redis.scan_iter("handoff:*"):
        assert await redis.ttl(key) > 0, key
