"""Microsoft Teams as a channel: posts a card to the Workflows address of a team's channel."""

import json
from dataclasses import dataclass, field
from datetime import timedelta

from activities import sayings
from activities.sender import MayLeave, Message, Occasion, Patience, SendOutcome
from activities.teams.card import card
from activities.turns import turns
from activities.webhooks.posting import Parcel, Posted, Poster
from handoff.contract.words import DeliveryState
from handoff.database.gate import Database
from handoff.database.integrations import address_of
from handoff.database.turns import Turns
from handoff.errors import Busy
from handoff.keys import keyring_of
from handoff.rules.causes import Cause
from handoff.rules.channels import TEAMS
from handoff.sealing import Unsealable
from handoff.settings import Settings

AT_ONCE = 4
"""Cards of one account on their way."""


@dataclass(frozen=True, slots=True)
class TeamsSender:
    """All tenants: each address says by itself who may post there."""

    settings: Settings
    poster: Poster
    turns: Turns = field(default_factory=lambda: turns(AT_ONCE))

    @classmethod
    def connect(cls, settings: Settings, _: Database) -> "TeamsSender":
        """It goes where webhooks may go."""
        return cls(settings, Poster(settings))

    @property
    def patience(self) -> Patience:
        """A flow that is throttled is asked again in minutes, not for days."""
        return Patience(
            timedelta(seconds=5),
            timedelta(minutes=15),
            timedelta(hours=24),
            after_lost=timedelta(minutes=1),
        )

    @property
    def connections(self) -> int:
        """Cards on their way at once."""
        return 32

    def message_id(self, name: str) -> str:
        """Teams gives none back; the ledger has ours."""
        return name

    async def send(self, message: Message, *, may_leave: MayLeave) -> SendOutcome | None:
        """One card. It shows how the handoff stands by now."""
        said = await may_leave()
        if not isinstance(said, Occasion):
            return None
        try:
            address = address_of(
                message.to_address, keyring_of(self.settings), said.due.account_id, TEAMS.name
            )
        except Unsealable:
            return SendOutcome(DeliveryState.FAILED, None, Cause.KEY_MISSING)
        happened = sayings.sentence(said.due.event_type, said.due.data)
        body = json.dumps(card(said, happened, self.settings), ensure_ascii=False)
        try:
            async with self.turns.of(said.due.account_id):
                return _outcome(await self.poster.post(Parcel(message.id, address, body, ())))
        except Busy:
            return SendOutcome(DeliveryState.RETRYING, None, Cause.SERVER_BUSY)

    async def close(self) -> None:
        """Gives the connections back."""
        await self.poster.close()


_FOR_NOW = (Cause.SLOW_DOWN, Cause.DNS, Cause.TLS, Cause.CONNECT_TIMEOUT, Cause.CONNECTION)


def _outcome(posted: Posted) -> SendOutcome:
    code, cause = posted.code, posted.cause
    if posted.taken:
        return SendOutcome(DeliveryState.SENT, code, cause)
    if cause is Cause.TIMEOUT:
        return SendOutcome(DeliveryState.AMBIGUOUS, code, cause)
    if cause in _FOR_NOW or (code is not None and code >= 500):
        return SendOutcome(DeliveryState.RETRYING, code, cause, posted.after)
    return SendOutcome(DeliveryState.FAILED, code, cause)
