"""Who presses a button in Slack: known by the account's signing secret and their mail address.

Loaded only where an account has connected Slack: its libraries are large.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
import structlog
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from handoff import slack
from handoff.errors import Unreachable
from handoff.settings import Settings
from handoff.slack_words import SIGNATURE, TIMESTAMP

logger = structlog.get_logger(__name__)

ANSWERED_WITHIN = 2.5
"""Seconds. Slack waits for three."""

HOOKS = "hooks.slack.com"
"""Where Slack has answers to a button sent."""


def is_signed(body: bytes, headers: Mapping[str, str], signing_secret: str) -> bool:
    """Whether Slack has signed what `may_be_signed`, within the last five minutes."""
    verifier = SignatureVerifier(signing_secret)
    timestamp, signature = headers[TIMESTAMP], headers[SIGNATURE]
    return verifier.is_valid(body, timestamp, signature)


@asynccontextmanager
async def workspace(settings: Settings, bot_token: str) -> AsyncIterator["Workspace"]:
    """The account's workspace, for as long as one press is answered.

    Raises:
        Unreachable: it does not answer, or refuses. What was claimed meanwhile is claimed, and
            the message in its channel says so.
    """
    try:
        async with asyncio.timeout(ANSWERED_WITHIN), slack.new_session() as session:
            yield Workspace(slack.client(session, settings, bot_token), session, settings)
    except (slack.Refused, TimeoutError, aiohttp.ClientError) as fault:
        logger.warning("slack.unanswered", cause=type(fault).__name__)
        raise Unreachable("Slack does not answer. Look at the handoff's page.") from None


@dataclass(frozen=True, slots=True)
class Workspace:
    """What is asked of it, and told to whoever pressed."""

    client: AsyncWebClient
    session: aiohttp.ClientSession
    settings: Settings

    async def mail_address(self, user: str) -> str | None:
        """As Slack has it; None where it has none."""
        answer = await slack.answer_of(self.client.users_info(user=user))
        profile = (answer.get("user") or {}).get("profile") or {}
        return profile.get("email") or None

    async def whisper(self, said: str, *, to: str, channel: str, at: str | None) -> None:
        """What only whoever pressed sees. `at`: where Slack wants the answer to this press."""
        if at is not None and self._is_slack(at):
            answer = {"response_type": "ephemeral", "replace_original": False, "text": said}
            async with self.session.post(at, json=answer, allow_redirects=False) as heard:
                if heard.status == 200:
                    return
        await slack.answer_of(self.client.chat_postEphemeral(channel=channel, user=to, text=said))

    def _is_slack(self, address: str) -> bool:
        """No request can send us elsewhere, not even a signed one."""
        parts, api = urlsplit(address), urlsplit(self.settings.slack_api_url)
        own = (parts.scheme, parts.netloc) == (api.scheme, api.netloc)
        return own or (parts.scheme == "https" and parts.netloc == HOOKS)
