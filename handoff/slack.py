"""Slack's Web API: one call, once, and in how many ways it may come to nothing.

Loaded only where an account has connected Slack: its libraries are large.
"""

from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from handoff.settings import Settings

WITHIN = 8.0
"""Seconds for one call."""

LONGEST_REST = timedelta(hours=1)


class Refused(Exception):
    """A call came to nothing.

    Attributes:
        error: Slack's own word, where it gave one.
        status: of HTTP, where there was one.
        after: for so long it does not want to be asked.
        may_be_done: it was asked, and the answer was lost.
    """

    def __init__(
        self,
        error: str = "",
        *,
        status: int | None = None,
        after: timedelta | None = None,
        may_be_done: bool = False,
    ) -> None:
        super().__init__(error or "no answer")
        self.error = error
        self.status = status
        self.after = after
        self.may_be_done = may_be_done


def new_session() -> aiohttp.ClientSession:
    """The connections of a process."""
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=WITHIN))


def client(session: aiohttp.ClientSession, settings: Settings, token: str) -> AsyncWebClient:
    """One workspace, by its bot's token. It tries nothing again: whoever calls knows when."""
    return AsyncWebClient(
        token=token,
        base_url=settings.slack_api_url,
        session=session,
        retry_handlers=[],
    )


async def answer_of(asking: Awaitable[AsyncSlackResponse]) -> dict[str, Any]:
    """What Slack answers to a call of its client.

    Raises:
        Refused: nothing, or a no.
    """
    try:
        answer = await asking
    except SlackApiError as fault:
        raise _refused(fault) from None
    except aiohttp.ClientConnectorError:
        raise Refused from None
    except (TimeoutError, aiohttp.ClientError, OSError):
        raise Refused(may_be_done=True) from None
    return dict(answer.data) if isinstance(answer.data, dict) else {}


def _refused(fault: SlackApiError) -> Refused:
    response = fault.response
    status = getattr(response, "status_code", None) or getattr(response, "status", None)
    data = getattr(response, "data", None)
    error = str(data.get("error") or "") if isinstance(data, dict) else ""
    after = str((getattr(response, "headers", None) or {}).get("Retry-After") or "")
    # Slack says whole seconds.
    rest = min(timedelta(seconds=int(after)), LONGEST_REST) if after.isdigit() else None
    # Whatever is in between may have lost what Slack said.
    lost = not error and status != 429
    return Refused(error, status=status, after=rest, may_be_done=lost)
