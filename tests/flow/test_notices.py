"""Mail about no handoff: whoever leads an account hears of an endpoint that was disabled."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy import select

from handoff.database.tables import WebhookRow
from tests.support.cast import AMIR, OLIVE
from tests.support.desk import Desk
from tests.support.receiver import Answer, Got, Receiver

pytestmark = pytest.mark.desk(webhook_private="allow", smtp_retry_initial="100ms")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """It wants nothing any more, so whoever tells it anything disables it."""

    async def gone(_: Got) -> Answer:
        return 410, {}

    async with Receiver() as opened:
        opened.answer = gone
        yield opened


async def _disable(desk: Desk, receiver: Receiver) -> UUID:
    made = (await desk.http(OLIVE).post("/webhooks", json={"url": receiver.url})).json()
    await desk.park()
    return UUID(made["id"])


async def _until_told(desk: Desk, webhook_id: UUID) -> None:
    async def told() -> bool:
        query = select(WebhookRow.told_at).where(WebhookRow.id == webhook_id)
        async with desk.database.engine_room() as connection:
            return await connection.scalar(query) is not None

    await desk.until(told, within=30)


async def test_what_may_have_been_taken_is_sent_three_times_at_most(
    desk: Desk, receiver: Receiver
) -> None:
    desk.postbox.drop_after_content(OLIVE.email)
    webhook_id = await _disable(desk, receiver)
    await desk.expect_mail(AMIR, subject="A webhook was disabled")
    copies = [await desk.expect_mail(OLIVE, subject="A webhook was disabled") for _ in range(3)]
    assert len({copy.message_id for copy in copies}) == 1
    await _until_told(desk, webhook_id)


async def test_whoever_leads_no_more_when_it_leaves_is_not_told(
    desk: Desk, receiver: Receiver
) -> None:
    held = desk.postbox.tarpit(AMIR.email, stage="rcpt", times=1)
    webhook_id = await _disable(desk, receiver)
    await held.met.wait()
    body = {"email": AMIR.email, "name": AMIR.name, "role": "engineer"}
    demoted = await desk.http(OLIVE).put(f"/directory/users/{AMIR.id}", json=body)
    assert demoted.status_code == 200, demoted.text
    held.end()
    await desk.expect_mail(OLIVE, subject="A webhook was disabled")
    await _until_told(desk, webhook_id)
