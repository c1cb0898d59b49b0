"""What the engine carries out and ended in a way that nobody foresaw is started again by itself."""

from datetime import timedelta
from typing import Any

import pytest
from redis.exceptions import RedisError
from sqlalchemy import select
from temporalio.exceptions import ApplicationError

from handoff import live
from handoff.database.messages import outbox
from handoff.database.tables import EventRow
from tests.support.cast import AMIR, BO, CHEN, OLIVE, SENIORS
from tests.support.desk import Desk


@pytest.fixture(autouse=True)
def _rests_are_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workflows.options.STOPPED_RESTS", timedelta(milliseconds=200))


@pytest.mark.expects_errors
async def test_a_delivery_that_ended_unsent_is_started_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Claimed and without a lease, there is no step to wait for that would have it looked at."""
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff, round=1)
    broken = [None]
    find_due = outbox.due

    async def breaks_once(*asked: Any, **more: Any) -> Any:
        if broken:
            broken.clear()
            raise ApplicationError("nobody mends this", non_retryable=True)
        return await find_due(*asked, **more)

    monkeypatch.setattr(outbox, "due", breaks_once)
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    for member in (CHEN, OLIVE, BO):
        await desk.expect_mail(member, handoff, says="Claimed by Amir")
    assert not broken


@pytest.mark.expects_errors
async def test_a_ring_that_ended_unheard_is_started_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate()
    await desk.until_told(handoff)
    broken = [None]
    publish = live.publish

    async def breaks_once(*asked: Any) -> None:
        if len(broken) < 3:
            broken.append(None)
            # First whoever committed it, then the engine's own activity.
            raise RedisError if len(broken) == 2 else ApplicationError("no", non_retryable=True)
        await publish(*asked)

    monkeypatch.setattr(live, "publish", breaks_once)
    assert (await desk.claim(AMIR, handoff)).status_code == 200

    async def rung() -> bool:
        silent = select(EventRow.number).where(
            EventRow.handoff_id == handoff.id, EventRow.published_at.is_(None)
        )
        async with desk.database.engine_room() as connection:
            return (await connection.execute(silent)).first() is None

    await desk.until(rung)
    assert len(broken) == 3
