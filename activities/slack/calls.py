"""The calls that a handoff's message needs, and what their refusals mean to the ledger."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from slack_sdk.web.async_client import AsyncWebClient

from activities.sender import SendOutcome
from activities.slack.rests import Rests
from handoff.contract.words import DeliveryState
from handoff.rules.causes import Cause
from handoff.slack import Refused, answer_of

EVENT_TYPE = "handoff"

CLOCKS_APART, PAGES = timedelta(minutes=2), 3
"""How far Slack's clock may be from ours, and how much of a channel is looked through."""

GONE = "message_not_found"
"""Somebody has deleted it."""

_IN = ":"
"""Between the channel of a message and its `ts` there."""

_AS_IT_IS = {"unfurl_links": False, "unfurl_media": False}

_NOT_CONNECTED = """
    account_inactive ekm_access_denied invalid_auth missing_scope no_permission
    not_allowed_token_type not_authed org_login_required token_expired token_revoked
"""
_CONTENT = """
    invalid_blocks invalid_blocks_format invalid_metadata_format metadata_too_large
    msg_blocks_too_long msg_too_long no_text
"""
_EDIT = f"{GONE} cant_update_message edit_window_closed"
_BUSY = """
    fatal_error internal_error rate_limited ratelimited request_timeout service_unavailable
    team_added_to_org update_failed
"""
_CAUSES = {
    **dict.fromkeys(_NOT_CONNECTED.split(), Cause.NOT_CONNECTED),
    **dict.fromkeys(_CONTENT.split(), Cause.CONTENT_REFUSED),
    **dict.fromkeys(_EDIT.split(), Cause.EDIT_REFUSED),
    **dict.fromkeys(_BUSY.split(), Cause.SERVER_BUSY),
}
"""By Slack's own word. What is not named here is about the channel: it is gone, or closed to us."""


@dataclass(frozen=True, slots=True)
class Place:
    """One channel of one account's workspace. Each of its calls raises `Refused`, or `NotNow` while
    the workspace does not want to be asked by its method."""

    workspace: AsyncWebClient
    channel: str
    account_id: UUID
    rests: Rests

    def at(self, reference: str) -> tuple["Place", str]:
        """Where a message stands, wherever the account sends new ones by now, and its `ts`."""
        channel, _, ts = reference.rpartition(_IN)
        return replace(self, channel=channel or self.channel), ts

    async def post(self, *, text: str, blocks: list[dict[str, Any]], handoff_id: str) -> str:
        """A new message; what it is known by from then on."""
        metadata = _metadata({"handoff_id": handoff_id})
        told = {"text": text, "blocks": blocks, "metadata": metadata, **_AS_IT_IS}
        return self._reference((await self._ask("chat_postMessage", **told))["ts"])

    async def change(self, ts: str, *, text: str, blocks: list[dict[str, Any]]) -> None:
        """The same message, with other content. Twice is once."""
        await self._ask("chat_update", ts=ts, text=text, blocks=blocks)

    async def reply(self, ts: str, text: str, *, event_number: int) -> None:
        """A line in its thread, about an event."""
        metadata = _metadata({"event_number": event_number})
        told = {"thread_ts": ts, "text": text, "metadata": metadata, **_AS_IT_IS}
        await self._ask("chat_postMessage", **told)

    async def find(self, handoff_id: str, *, asked_at: datetime) -> str | None:
        """The message that bears this handoff's id, posted about then; what it is known by.

        None where there is none, or the bot may not read what it writes.
        """
        found = await self._look("conversations_history", {"handoff_id": handoff_id}, asked_at)
        return None if found is None else self._reference(found["ts"])

    async def has_replied(self, ts: str, event_number: int, *, asked_at: datetime) -> bool:
        """Whether the thread has the line about this event, posted about then; no where the bot may
        not read what it writes."""
        told = {"event_number": event_number}
        return await self._look("conversations_replies", told, asked_at, ts=ts) is not None

    async def _look(
        self, method: str, payload: dict[str, Any], asked_at: datetime, **where: str
    ) -> dict[str, Any] | None:
        """The message whose metadata says this."""
        within = {
            "oldest": f"{(asked_at - CLOCKS_APART).timestamp():.6f}",
            "latest": f"{(asked_at + CLOCKS_APART).timestamp():.6f}",
        }
        cursor: str | None = None
        for _ in range(PAGES):
            asked = {"limit": 200, "cursor": cursor, "include_all_metadata": True}
            try:
                answer = await self._ask(method, **within, **asked, **where)
            except Refused as refused:
                if outcome_of(refused).state is not DeliveryState.FAILED:
                    raise
                return None
            for message in answer.get("messages") or []:
                said: dict[str, Any] = message
                if (said.get("metadata") or {}).get("event_payload") == payload:
                    return said
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                break
        return None

    async def _ask(self, method: str, **told: Any) -> dict[str, Any]:
        self.rests.heed(self.account_id, method)
        try:
            return await answer_of(getattr(self.workspace, method)(channel=self.channel, **told))
        except Refused as refused:
            if refused.after is not None:
                self.rests.note(self.account_id, method, refused.after)
            raise

    def _reference(self, ts: Any) -> str:
        return f"{self.channel}{_IN}{ts}"


def _metadata(payload: dict[str, Any]) -> dict[str, Any]:
    return {"event_type": EVENT_TYPE, "event_payload": payload}


def outcome_of(refused: Refused) -> SendOutcome:
    """What became of the message."""
    status = refused.status
    if refused.may_be_done:
        # What may be there is looked for, so nothing comes twice.
        return SendOutcome(DeliveryState.RETRYING, None, Cause.TIMEOUT)
    if status is None:
        return SendOutcome(DeliveryState.RETRYING, None, Cause.CONNECTION)
    cause = _CAUSES.get(refused.error, Cause.RECIPIENT_REFUSED)
    if status == 429 or cause is Cause.SERVER_BUSY:
        return SendOutcome(DeliveryState.RETRYING, status, Cause.SERVER_BUSY, refused.after)
    return SendOutcome(DeliveryState.FAILED, status, cause)
