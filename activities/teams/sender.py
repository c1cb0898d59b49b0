"""Microsoft Teams as a channel: posts a card to the Workflows address of a team's channel."""

import json
from dataclasses import dataclass, field
from datetime import timedelta

from activities import sayings
from activities.sender import MayLeave, Message, Occasion, Patience, SendOutcome
from activities.teams.card import card
from activities.turns import AccountTurns
from activities.webhooks.posting import Parcel, Posted, Poster
from handoff.contract.words import DeliveryState
from handoff.database.gate import Database
from handoff.database.integrations import address_of
from handoff.keys import keyring_of
from handoff.rules.causes import Cause
from handoff.rules.channels import TEAMS
from handoff.sealing import Unsealable
from handoff.settings import Settings

OF_ONE_ACCOUNT, AT_ONE_PLACE = 8, 2
"""Cards of one account on their way, and of these so many to one address: where it is dead, the
other teams have theirs."""


@dataclass(frozen=True, slots=True)
class TeamsSender:
    """All tenants: each address says by itself who may post there."""

    settings: Settings
    poster: Poster
    turns: AccountTurns = field(
        default_factory=lambda: AccountTurns(of_account=OF_ONE_ACCOUNT, at_place=AT_ONE_PLACE)
    )

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
        async with self.turns.turn(message.account_id, message.to_id):
            said = await may_leave()
            if not isinstance(said, Occasion):
                return None
            try:
                address = address_of(
                    message.to_address, keyring_of(self.settings), message.account_id, TEAMS.name
                )
            except Unsealable:
                return SendOutcome(DeliveryState.FAILED, None, Cause.KEY_MISSING)
            happened = sayings.sentence(said.due.event_type, said.due.data)
            body = json.dumps(card(said, happened, self.settings), ensure_ascii=False)
            parcel = Parcel(message.id, message.account_id, address, body, ())
            return _outcome(await self.poster.post(parcel))

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
