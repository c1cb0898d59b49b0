"""Open streams lose readers who lose their rights, and nobody else."""

from datetime import timedelta

import pytest

from handoff import live
from tests.support import history
from tests.support.cast import AMIR, BO, CHEN, GLOBEX, OLIVE
from tests.support.desk import Desk
from tests.support.listener import follow

LOSSES = {
    "deactivated": "UPDATE users SET is_active = false WHERE id = $1",
    "deleted": "UPDATE users SET deleted_at = now() WHERE id = $1",
    "moved": f"UPDATE users SET account_id = '{GLOBEX}', team_id = NULL WHERE id = $1",
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.desk(stream_rights="200ms")
async def test_whoever_may_no_longer_read_loses_the_stream(desk: Desk, loss: str) -> None:
    async with desk.listen(CHEN) as chen, desk.listen(AMIR) as amir:
        await history.sql(desk, LOSSES[loss], CHEN.id)
        assert (await chen.hear("bye")).data == {"reason": "rights"}
        await chen.hear_end()
        handoff = await desk.park(BO)
        await history.write(desk, handoff, 1)
        await amir.hear("reminded")
        assert [frame.event for frame in chen.frames] == ["bye"]


@pytest.mark.desk(stream_rights="200ms")
async def test_a_new_role_or_team_keeps_the_stream(desk: Desk) -> None:
    handoff = await desk.park(BO)
    async with desk.listen(CHEN) as chen:
        await history.sql(
            desk, "UPDATE users SET role = 'viewer', team_id = NULL WHERE id = $1", CHEN.id
        )
        assert desk.services is not None
        (feed,) = desk.services.hub.feeds
        (ear,) = feed.ears
        before = ear.checked

        async def looked_again() -> bool:
            return ear.checked > before

        await desk.until(looked_again)
        await history.write(desk, handoff, 1)
        await chen.hear("reminded")


@pytest.mark.desk(stream_rights="15s", stream_quiet="60s")
async def test_word_of_a_change_ends_the_stream_at_once(desk: Desk) -> None:
    assert desk.services is not None
    async with desk.listen(CHEN) as chen, desk.listen(OLIVE) as olive:
        await history.sql(desk, LOSSES["deactivated"], CHEN.id)
        await live.people_changed(desk.services.redis, CHEN.account_id)
        assert (await chen.hear("bye", within=3)).data == {"reason": "rights"}
        await chen.hear_end()
        assert not olive.ended.is_set()


@pytest.mark.desk(stream_rights="15s", stream_quiet="60s")
async def test_whoever_is_deleted_by_their_admin_loses_the_stream_at_once(desk: Desk) -> None:
    async with desk.listen(CHEN) as chen:
        answer = await desk.http(OLIVE).delete(f"/directory/users/{CHEN.id}")
        assert answer.status_code == 204
        assert (await chen.hear("bye", within=3)).data == {"reason": "rights"}


@pytest.mark.desk(stream_rights="200ms")
async def test_after_the_loss_the_door_is_shut(desk: Desk) -> None:
    async with desk.listen(CHEN) as chen:
        await history.sql(desk, LOSSES["deleted"], CHEN.id)
        await chen.hear_end()
    answer = await desk.http(CHEN).get("/events")
    assert answer.status_code == 401


@pytest.mark.desk(auth_leeway="0s")
async def test_a_stream_ends_with_the_token_that_opened_it(desk: Desk) -> None:
    handoff = await desk.park(BO)
    token = desk.token(CHEN, lifetime=timedelta(seconds=2))
    async with follow(desk.base_url, token) as chen:
        await history.write(desk, handoff, 1)
        await chen.hear("reminded")
        assert (await chen.hear("bye", within=6)).data == {"reason": "expired"}
        await chen.hear_end()
