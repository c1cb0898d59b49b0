"""Callbacks as a channel: how a handoff ended, posted to the program that asked for it."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from activities.sender import MayLeave, Message, Occasion, Patience, SendOutcome
from activities.turns import AccountTurns
from activities.webhooks.posting import Parcel, Posted, Poster
from handoff import live
from handoff.contract.messages import Envelope
from handoff.contract.words import DeliveryState
from handoff.database.directory.account import signing_purpose
from handoff.database.gate import Database
from handoff.database.records import is_private
from handoff.keys import keyring_of
from handoff.program_addresses import is_among
from handoff.rules.causes import Cause
from handoff.sealing import Unsealable, callback_purpose, unseal
from handoff.settings import Settings

CONNECTIONS = 100

OF_ONE_ACCOUNT, AT_ONE_HOST = 10, 5
"""So many at once: an account has its own to wait for, and nobody else's, however many hosts and
ports it names; and where one host of it is slow, its others have theirs."""


@dataclass(slots=True)
class CallbackSender:
    """Posts one envelope, signed with the account's own secret."""

    settings: Settings
    poster: Poster
    _turns: AccountTurns = field(
        default_factory=lambda: AccountTurns(of_account=OF_ONE_ACCOUNT, at_place=AT_ONE_HOST)
    )

    @classmethod
    def connect(cls, settings: Settings, _: Database) -> "CallbackSender":
        """It connects when it first sends."""
        return cls(settings, Poster(settings))

    @property
    def patience(self) -> Patience:
        """That of webhooks."""
        return self.poster.patience

    @property
    def connections(self) -> int:
        """They cost little while they wait."""
        return CONNECTIONS

    def message_id(self, name: str) -> str:
        """The `webhook-id`. Standard Webhooks allows no full stop in one."""
        return f"msg_{name.replace('.', '_')}"

    async def send(self, message: Message, *, may_leave: MayLeave) -> SendOutcome | None:
        """One POST. It is asked before connecting whether it may leave: what tells of an end always
        may."""
        try:
            told = self._opened(message)
        except Unsealable:
            return SendOutcome(DeliveryState.RETRYING, None, Cause.KEY_MISSING)
        async with self._turns.turn(message.account_id, urlsplit(told["url"]).netloc):
            occasion = await may_leave()
            if not isinstance(occasion, Occasion):
                return None
            if not is_among(told["url"], occasion.due.callback_hosts):
                # Named when it was asked for, and taken away since.
                return SendOutcome(DeliveryState.FAILED, None, Cause.ADDRESS_REFUSED)
            try:
                parcel = self._parcel(message, occasion, told)
            except Unsealable:
                return SendOutcome(DeliveryState.RETRYING, None, Cause.KEY_MISSING)
            return _outcome(await self.poster.post(parcel))

    def _opened(self, message: Message) -> dict[str, Any]:
        """Where to, and by which token. A callback's place has its handoff's id."""
        sealed_for = callback_purpose(message.to_id)
        opened = unseal(keyring_of(self.settings), message.to_address, purpose=sealed_for)
        told: dict[str, Any] = json.loads(opened)
        return told

    def _parcel(self, message: Message, occasion: Occasion, told: dict[str, Any]) -> Parcel:
        due, ring = occasion.due, keyring_of(self.settings)
        sealed_for = signing_purpose(due.account_id)
        signed_by = " ".join(one for one in due.signed_by if one).split()
        secrets = [unseal(ring, one, purpose=sealed_for) for one in signed_by]
        body = live.encode(_envelope(occasion))
        account_id = message.account_id
        return Parcel(message.id, account_id, told["url"], body, secrets, token=told["token"])

    async def close(self) -> None:
        """Takes leave of everybody."""
        await self.poster.close()


def _envelope(occasion: Occasion) -> Envelope:
    """The event as streams and webhooks have it, with the handoff's texts."""
    due, record = occasion.due, occasion.record
    told = not is_private(record)
    texts = {
        "engineer_notes": record.engineer_notes if told else None,
        "context": record.context if told else None,
    }
    return Envelope(
        id=str(due.event_number),
        source=f"/accounts/{due.account_id}",
        type=f"handoff.{due.event_type.value}",
        subject=str(due.handoff_id),
        time=due.at,
        data={**due.data, **texts},
    )


def _outcome(posted: Posted) -> SendOutcome:
    if posted.taken:
        return SendOutcome(DeliveryState.SENT, posted.code, posted.cause)
    gone = posted.cause is Cause.GONE
    state = DeliveryState.FAILED if gone else DeliveryState.RETRYING
    return SendOutcome(state, posted.code, posted.cause, posted.after)
