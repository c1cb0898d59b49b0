"""A worker that is killed after Slack took the message, and before it could say so."""

import pytest
from temporalio.client import Client

from tests.support.cast import AMIR, OLIVE
from tests.support.desk import Desk, open_desk
from tests.support.mortal_workers import mortal_worker
from tests.support.servers import Servers
from tests.support.slack import SIGNING_SECRET, TOKEN, FakeSlack, fake_slack


@pytest.mark.timeout(150)
async def test_there_is_still_one_message(
    servers: Servers, database_url: str, temporal: Client
) -> None:
    async with (
        fake_slack() as slack,
        open_desk(
            database_url=database_url,
            redis_url=servers.redis_url,
            temporal=temporal,
            worker=False,
            workflow_slots=20,
            slack_api_url=slack.api_url,
        ) as desk,
    ):
        desk.mail_matters = False
        body = {
            "bot_token": TOKEN,
            "signing_secret": SIGNING_SECRET,
            "channels": {"account": "C0EVERYBODY"},
        }
        assert (await desk.http(OLIVE).put("/integrations/slack", json=body)).status_code == 200
        await _posted_and_killed(desk, slack)


async def _posted_and_killed(desk: Desk, slack: FakeSlack) -> None:
    slack.holds("chat.postMessage")
    async with mortal_worker(desk.settings) as worker:
        handoff = await desk.escalate()
        await slack.held.wait()
        await worker.kill()
    slack.lets_go()
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    async with mortal_worker(desk.settings):

        async def says_so() -> bool:
            return any("Claimed by Amir" in one.text for one in slack.messages)

        await desk.until(says_so, within=90)
        await desk.until_told(handoff)
    assert len(slack.messages) == 1
