"""Who is there: advisory, by live streams and pages, and never anybody else's business."""

from uuid import uuid4

import pytest

from api.live import presence
from api.live.presence import Presence
from api.services import Services
from tests.http.live.test_live_socket import talk
from tests.support import history
from tests.support.cast import ACME, AMIR, BO, CHEN, HUGO, OLIVE, VERA, Member
from tests.support.desk import Desk, Handoff


def parts(desk: Desk) -> Services:
    assert desk.services is not None
    return desk.services


async def online(desk: Desk, who: Member) -> list[str]:
    """The names that `who` is shown."""
    answer = await desk.http(who).get("/presence")
    assert answer.status_code == 200, answer.text
    return [present["name"] for present in answer.json()]


async def until_online(desk: Desk, who: Member, *names: str) -> None:
    async def are() -> bool:
        return await online(desk, who) == list(names)

    await desk.until(are)


async def viewers(desk: Desk, who: Member, handoff: Handoff) -> list[str]:
    answer = await desk.http(who).get(f"{handoff.path}/presence")
    assert answer.status_code == 200, answer.text
    return [present["name"] for present in answer.json()]


async def test_whoever_has_a_live_stream_is_online(desk: Desk) -> None:
    assert await online(desk, BO) == []
    async with desk.listen(AMIR), talk(desk, CHEN), desk.listen(HUGO):
        await until_online(desk, VERA, "Amir", "Chen")
        await until_online(desk, HUGO, "Hugo")
        (amir, _) = (await desk.http(BO).get("/presence")).json()
        assert amir["id"] == str(AMIR.id)
        assert amir["since"].endswith("Z")
    await until_online(desk, VERA)


async def test_one_of_several_tabs_is_enough(desk: Desk) -> None:
    async with desk.listen(AMIR):
        await until_online(desk, BO, "Amir")
        since = (await desk.http(BO).get("/presence")).json()
        async with desk.listen(AMIR), talk(desk, AMIR):
            await until_online(desk, BO, "Amir")
        async with desk.listen(CHEN):
            await until_online(desk, BO, "Amir", "Chen")
        await until_online(desk, BO, "Amir")
        assert (await desk.http(BO).get("/presence")).json() == since


async def test_another_process_speaks_for_its_own_streams(desk: Desk) -> None:
    other = Presence(parts(desk).redis, parts(desk).hub)
    async with desk.listen(AMIR):
        await until_online(desk, BO, "Amir")
        await other.leave()
    # This process has taken its word back; the other one has not.
    assert await online(desk, BO) == ["Amir"]
    await other.leave()
    await until_online(desk, BO)


async def test_a_process_that_died_is_forgotten(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "ONLINE_FOR", 1.2)
    async with desk.listen(AMIR):
        await until_online(desk, BO, "Amir")
        # Nothing is renewed any more: it is only every 15 s, and nobody comes or goes.
        await until_online(desk, BO)


async def test_whoever_has_left_the_account_is_not_shown(desk: Desk) -> None:
    async with desk.listen(AMIR), desk.listen(CHEN):
        await until_online(desk, BO, "Amir", "Chen")
        await history.sql(desk, "UPDATE users SET is_active = false WHERE id = $1", AMIR.id)
        assert await online(desk, BO) == ["Chen"]


async def test_others_see_who_looks_at_a_handoff(desk: Desk) -> None:
    handoff = await desk.park(BO)
    for who in (AMIR, VERA, AMIR):
        assert (await desk.command(who, handoff, "viewing")).status_code == 204
    assert await viewers(desk, OLIVE, handoff) == ["Amir", "Vera"]
    assert await viewers(desk, AMIR, handoff) == ["Vera"]
    other = await desk.park(BO)
    assert await viewers(desk, OLIVE, other) == []


async def test_a_page_that_says_nothing_more_is_forgotten(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "VIEWING_FOR", 1.2)
    handoff = await desk.park(BO)
    await desk.command(AMIR, handoff, "viewing")

    async def gone() -> bool:
        return await viewers(desk, OLIVE, handoff) == []

    assert not await gone()
    await desk.until(gone)


async def test_another_accounts_handoff_is_one_that_does_not_exist(desk: Desk) -> None:
    handoff = await desk.park(BO)
    nowhere = Handoff(uuid4(), handoff.session_id, BO)
    for who, what in ((HUGO, handoff), (AMIR, nowhere)):
        assert (await desk.command(who, what, "viewing")).status_code == 404
        assert (await desk.http(who).get(f"{what.path}/presence")).status_code == 404


async def test_nonsense_in_redis_shows_nobody(desk: Desk) -> None:
    redis = parts(desk).redis
    key = f"handoff:online:{ACME}"
    until = "99999999999"
    await redis.hset(key, mapping={"nobody": f"1 {until}", f"{BO.id}/x": "often", "": ""})
    await redis.hset(key, mapping={f"{AMIR.id}/x": f"1e300 {until}", f"{CHEN.id}": "nan inf"})
    await redis.hset(key, mapping={f"{HUGO.id}/x": f"1 {until}"})
    assert await online(desk, BO) == []
    await redis.delete(key)
    await redis.set(key, "no hash", ex=5)
    assert await online(desk, BO) == []
    await redis.delete(key)


async def test_a_stranger_learns_nothing(desk: Desk) -> None:
    handoff = await desk.park(BO)
    http = desk.http()
    assert (await http.get("/presence")).status_code == 401
    assert (await http.get(f"{handoff.path}/presence")).status_code == 401
    assert (await http.post(f"{handoff.path}/viewing")).status_code == 401
