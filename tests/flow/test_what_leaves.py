"""How much of a handoff leaves: by every channel, at every level, of all that is typed about it."""

import io
import logging
import re
from collections.abc import AsyncIterator, Iterator

import pytest
from temporalio.client import Client

from handoff import log
from tests.support.cast import AMIR, BO, CHEN, OLIVE
from tests.support.desk import Desk, Handoff, open_desk
from tests.support.receiver import Receiver
from tests.support.servers import Servers
from tests.support.slack import SIGNING_SECRET, TOKEN, FakeSlack, fake_slack

TITLE = "The zebra drops"
# No channel escapes any character of these.
NOTES, CONTEXT, NOTED, CALLED, PASSED, GIVEN, ENDED = TYPED = (
    "typedatfirst",
    "typedbesideit",
    "typedasanote",
    "typedtocall",
    "typedtopassiton",
    "typedtogiveitback",
    "typedatlast",
)
NAMES = ("Bo", "Amir", "Chen")

SAYS_AT_MOST = {
    "email": {NOTES, NOTED, CALLED, PASSED, GIVEN, ENDED},
    "slack": {NOTES, NOTED, CALLED, PASSED, GIVEN, ENDED},
    "teams": {NOTES, PASSED, GIVEN, ENDED},
    "webhook": set(TYPED),
    "callback": {NOTES, CONTEXT, ENDED},
}
"""What leaves by each channel where all may: a test that found nothing would see nothing."""


class Everywhere:
    """All channels at once, and what has left by each."""

    def __init__(self, desk: Desk, slack: FakeSlack) -> None:
        self.desk = desk
        self.slack = slack
        self.teams, self.webhook, self.callback = Receiver(), Receiver(), Receiver()

    async def connect(self, level: str | None) -> None:
        olive = self.desk.http(OLIVE)
        everybody = {"channels": {"account": "C0EVERYBODY"}}
        slack = {"bot_token": TOKEN, "signing_secret": SIGNING_SECRET, **everybody}
        teams = {"channels": {"account": self.teams.url}}
        account = {
            "content": dict.fromkeys(SAYS_AT_MOST, level),
            "callback_hosts": ["127.0.0.1"],
        }
        for answer in (
            await olive.put("/integrations/slack", json=slack),
            await olive.put("/integrations/teams", json=teams),
            await olive.put("/account", json=account),
            await olive.post("/webhooks", json={"url": self.webhook.url}),
        ):
            assert answer.is_success, answer.text

    async def live_through(self) -> None:
        """A handoff's whole life, with words at every step, until all have heard all."""
        desk = self.desk
        handoff = await desk.escalate(
            title=TITLE,
            engineer_notes=NOTES,
            context={"who": CONTEXT},
            callback={"url": self.callback.url},
        )
        await desk.until_told(handoff)
        to_chen = {"to": str(CHEN.id)}
        await self._do(handoff, CHEN, "notes", {"text": NOTED})
        await self._do(handoff, BO, "call", to_chen | {"text": CALLED})
        await self._do(handoff, AMIR, "claim", None)
        await self._do(handoff, AMIR, "transfer", to_chen | {"text": PASSED})
        await self._do(handoff, CHEN, "claim", None)
        await self._do(handoff, CHEN, "release", {"reason": GIVEN})
        await self._do(handoff, AMIR, "claim", None)
        await self._do(handoff, AMIR, "resolve", {"outcome": "fixed", "note": ENDED})
        await self.callback.until(lambda: bool(self.callback.got))
        await self.webhook.until(lambda: self.webhook.got[-1].json["type"] == "handoff.resolved")

    async def _do(self, handoff: Handoff, who: object, command: str, body: object) -> None:
        answer = await self.desk.command(who, handoff, command, body)  # type: ignore[arg-type]
        assert answer.is_success, answer.text
        await self.desk.until_told(handoff)

    def left(self) -> dict[str, str]:
        """All that has left, by channel."""
        mails = [f"{mail.subject}\n{mail.text}" for mail in self.desk.postbox.mails]
        posts = [one.words + "".join(one.shown) for one in self.slack.messages]
        received = {"teams": self.teams, "webhook": self.webhook, "callback": self.callback}
        bodies = {name: "\n".join(got.body for got in one.got) for name, one in received.items()}
        return {"email": "\n".join(mails), "slack": "\n".join(posts), **bodies}


@pytest.fixture
async def everywhere(
    database_url: str, servers: Servers, temporal: Client
) -> AsyncIterator[Everywhere]:
    async with (
        fake_slack() as slack,
        open_desk(
            database_url=database_url,
            redis_url=servers.redis_url,
            temporal=temporal,
            slack_api_url=slack.api_url,
            webhook_private="allow",
            burst_window="0s",
        ) as desk,
    ):
        desk.mail_matters = False
        opened = Everywhere(desk, slack)
        async with opened.teams, opened.webhook, opened.callback:
            yield opened


@pytest.mark.parametrize("level", ["full", "title", "link"])
async def test_nothing_leaves_that_the_account_keeps(everywhere: Everywhere, level: str) -> None:
    await everywhere.connect(level)
    await everywhere.live_through()
    for channel, said in everywhere.left().items():
        typed = {words for words in TYPED if words in said}
        assert typed == (SAYS_AT_MOST[channel] if level == "full" else set()), channel
        assert (TITLE in said) is (level != "link"), channel
        if level == "link":
            assert [name for name in NAMES if re.search(rf"\b{name}\b", said)] == [], channel


@pytest.fixture
def everything_logged() -> Iterator[io.StringIO]:
    """What stands in the log at its lowest level."""
    root, output = logging.getLogger(), io.StringIO()
    handler, level = logging.StreamHandler(output), root.level
    levels = {name: logging.getLogger(name).level for name in log.TALKATIVE}
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    log.quieten(logging.DEBUG)
    yield output
    root.removeHandler(handler)
    root.setLevel(level)
    for name, had in levels.items():
        logging.getLogger(name).setLevel(had)


async def test_at_its_lowest_level_the_log_has_none_of_it(
    everywhere: Everywhere, everything_logged: io.StringIO
) -> None:
    await everywhere.connect("full")
    await everywhere.live_through()
    logged = everything_logged.getvalue()
    assert "handoff" in logged
    secrets = (TOKEN, SIGNING_SECRET, everywhere.teams.url, everywhere.callback.url, AMIR.email)
    assert [words for words in (TITLE, *TYPED, *secrets) if words in logged] == []
