"""Sessions whose holder is gone: given to somebody by who leads, and handed off by them."""

from uuid import UUID

import httpx
import pytest

from tests.support.cast import AMIR, BO, CHEN, HUGO, OLIVE, VERA, ZOE, Member
from tests.support.desk import Desk


async def _give(desk: Desk, by: Member, session_id: UUID, to: Member) -> httpx.Response:
    path = f"/ai-sessions/{session_id}/holder"
    return await desk.http(by).put(path, json={"to": str(to.id)})


async def _let_go(desk: Desk, who: Member) -> None:
    answer = await desk.http(OLIVE).delete(f"/directory/users/{who.id}")
    assert answer.status_code == 204


async def test_an_admin_hands_off_what_somebody_left_behind(desk: Desk) -> None:
    desk.mail_matters = False
    session_id = await desk.start_session(CHEN)
    assert (await _give(desk, AMIR, session_id, AMIR)).status_code == 409
    await _let_go(desk, CHEN)
    assert (await desk.hand_off(session_id, AMIR)).status_code == 404
    given = await _give(desk, AMIR, session_id, AMIR)
    assert (given.status_code, given.json()["holder"]["name"]) == (200, "Amir")
    assert (await _give(desk, AMIR, session_id, AMIR)).status_code == 200
    assert (await desk.hand_off(session_id, AMIR)).status_code == 201


async def test_it_is_given_to_somebody_who_goes_on(desk: Desk) -> None:
    desk.mail_matters = False
    session_id = await desk.start_session(CHEN)
    await _let_go(desk, CHEN)
    for nobody in (VERA, ZOE, HUGO, CHEN):
        refused = await _give(desk, OLIVE, session_id, nobody)
        assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "body/to")
    assert (await _give(desk, OLIVE, session_id, BO)).status_code == 200
    assert (await desk.hand_off(session_id, BO)).status_code == 201
    # It waits for somebody now, and whoever claims it holds it.
    assert (await _give(desk, OLIVE, session_id, AMIR)).status_code == 409


@pytest.mark.parametrize("status", ["open", "claimed"])
async def test_what_is_handed_off_is_not_given_away(desk: Desk, status: str) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate(CHEN)
    if status == "claimed":
        assert (await desk.claim(BO, handoff)).status_code == 200
    await _let_go(desk, CHEN)
    assert (await _give(desk, OLIVE, handoff.session_id, AMIR)).status_code == 409
