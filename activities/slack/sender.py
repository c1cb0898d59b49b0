"""Slack as a channel: brings the one message of a handoff, and its thread, up to date."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from activities.sender import MayLeave, Message, NotNow, Occasion, Patience, SendOutcome
from activities.slack.rests import Rests
from activities.turns import AccountTurns, soon
from handoff.contract.words import DeliveryState
from handoff.database import integrations
from handoff.database.gate import Database
from handoff.database.integrations import address_of
from handoff.database.messages import posts
from handoff.database.messages.outbox import Due
from handoff.database.messages.posts import Post
from handoff.errors import Busy
from handoff.keys import keyring_of
from handoff.loading import load
from handoff.rules.causes import Cause
from handoff.rules.channels import SLACK
from handoff.sealing import Unsealable
from handoff.settings import Settings

TURN_WITHIN, _ASKS_AGAIN = 1.0, 0.2
"""Seconds that an event waits while another one of the same handoff is being told of."""

AT_ONCE = 4
"""Messages of one account on their way."""


@dataclass(slots=True)
class SlackSender:
    """All workspaces, each by its own bot's token."""

    settings: Settings
    database: Database
    turns: AccountTurns = field(default_factory=lambda: AccountTurns(of_account=AT_ONCE))
    rests: Rests = field(default_factory=Rests)
    _http: Any = None

    @property
    def patience(self) -> Patience:
        """What was lost is looked for, so that nothing is held back as a possible copy."""
        return Patience(timedelta(seconds=2), timedelta(minutes=5), timedelta(hours=24))

    @property
    def connections(self) -> int:
        """Slack takes about one message a second and channel; others go on meanwhile."""
        return 32

    def message_id(self, name: str) -> str:
        """Slack gives its own; the ledger has ours."""
        return name

    async def send(self, message: Message, *, may_leave: MayLeave) -> SendOutcome | None:
        """Whatever the event: the message shows how the handoff stands by now."""
        try:
            async with self.turns.turn(message.account_id):
                said = await may_leave()
                if not isinstance(said, Occasion):
                    return None
                return await self._say(message, said)
        except Busy:
            # The account has as much under way in PostgreSQL as it may.
            raise NotNow(soon()) from None

    async def _say(self, message: Message, said: Occasion) -> SendOutcome:
        account_id, keyring = message.account_id, keyring_of(self.settings)
        try:
            async with self.database.account(account_id) as tenant:
                secrets = await integrations.secrets_of(tenant, SLACK.name, keyring)
            channel = address_of(message.to_address, keyring, account_id, SLACK.name)
        except Unsealable:
            return SendOutcome(DeliveryState.FAILED, None, Cause.KEY_MISSING)
        if secrets is None:
            return SendOutcome(DeliveryState.FAILED, None, Cause.NOT_CONNECTED)
        return await self._bring_up_to_date(said, secrets["bot_token"], channel)

    async def _bring_up_to_date(self, said: Occasion, token: str, channel: str) -> SendOutcome:
        post = await self._turn(said.due)
        if post is None:
            raise NotNow(soon())
        # Its libraries are large, and needed only where an account has connected Slack.
        await load("activities.slack.writing")
        from activities.slack import calls, writing
        from handoff import slack

        self._http = self._http or slack.new_session()
        workspace = slack.client(self._http, self.settings, token)
        return await writing.write(
            calls.Place(workspace, channel, said.due.account_id, self.rests),
            said,
            post,
            database=self.database,
            settings=self.settings,
        )

    async def _turn(self, due: Due) -> Post | None:
        try:
            async with asyncio.timeout(TURN_WITHIN):
                while True:
                    async with self.database.account(due.account_id) as tenant:
                        post = await posts.take(tenant, due.handoff_id, due.destination_id)
                    if post is not None:
                        return post
                    await asyncio.sleep(_ASKS_AGAIN)
        except TimeoutError:
            return None

    async def close(self) -> None:
        """Gives the connections back."""
        if self._http is not None:
            await self._http.close()
