"""The calls that a handoff's message needs, and what their refusals mean to the ledger."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from activities.sender import SendOutcome
from handoff.contract.words import DeliveryState
from handoff.rules.causes import Cause
from handoff.slack import Refused, answer_of

EVENT_TYPE = "handoff"

CLOCKS_APART, PAGES = timedelta(minutes=2), 3
"""How far Slack's clock may be from ours, and how much of a channel is looked through."""

GONE = "message_not_found"
"""Somebody has deleted it."""

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
    """One channel of one workspace. Each of its calls raises `Refused`."""

    workspace: AsyncWebClient
    channel: str

    async def post(self, *, text: str, blocks: list[dict[str, Any]], handoff_id: str) -> str:
        """A new message; what Slack knows it by."""
        answer = await answer_of(
            self.workspace.chat_postMessage(
                channel=self.channel,
                text=text,
                blocks=blocks,
                metadata={"event_type": EVENT_TYPE, "event_payload": {"handoff_id": handoff_id}},
                unfurl_links=False,
                unfurl_media=False,
            )
        )
        return str(answer["ts"])

    async def change(self, ts: str, *, text: str, blocks: list[dict[str, Any]]) -> None:
        """The same message, with other content. Twice is once."""
        changing = self.workspace.chat_update(channel=self.channel, ts=ts, text=text, blocks=blocks)
        await answer_of(changing)

    async def reply(self, ts: str, text: str) -> None:
        """A line in its thread."""
        replying = self.workspace.chat_postMessage(
            channel=self.channel,
            thread_ts=ts,
            text=text,
            unfurl_links=False,
            unfurl_media=False,
        )
        await answer_of(replying)

    async def find(self, handoff_id: str, *, asked_at: datetime) -> str | None:
        """The message that bears this handoff's id, posted about then.

        None where there is none, or the bot may not read what it writes.
        """
        oldest = (asked_at - CLOCKS_APART).timestamp()
        latest = (asked_at + CLOCKS_APART).timestamp()
        cursor: str | None = None
        for _ in range(PAGES):
            reading = self.workspace.conversations_history(
                channel=self.channel,
                oldest=f"{oldest:.6f}",
                latest=f"{latest:.6f}",
                limit=200,
                cursor=cursor,
                include_all_metadata=True,
            )
            try:
                answer = await answer_of(reading)
            except Refused as refused:
                if outcome_of(refused).state is not DeliveryState.FAILED:
                    raise
                return None
            for message in answer.get("messages") or []:
                payload = (message.get("metadata") or {}).get("event_payload") or {}
                if payload.get("handoff_id") == handoff_id:
                    return str(message["ts"])
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                break
        return None


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
