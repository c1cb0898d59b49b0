"""How a parcel travels: signed, over HTTP, to where it may go. Loaded when something is first
posted: most processes never do."""

import asyncio
import math
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from time import monotonic
from typing import Any

import httpx
from standardwebhooks import Webhook

from activities.webhooks.checked import AddressRefused, NameUnknown, checked_client, on_behalf_of
from activities.webhooks.posting import Parcel, Posted
from handoff.rules.causes import Cause

SLOW_DOWN = frozenset({429, 502, 503, 504})
"""What asks for patience, and may say for how much."""

ASKED_AT_LEAST, ASKED_AT_MOST = timedelta(seconds=1), timedelta(days=1)
"""What `Retry-After` may ask for."""

DRAINED_BYTES, DRAINED_WITHIN = 16 * 1024, 0.5
"""What is read of an answer's body, so that its connection serves again. Nobody looks at it."""

PARTED_WITHIN = 1.0
"""Seconds in which an answer is done with; its connection is given up after that."""

GREETED_IN = 0.8
"""The part of a post's time that connecting may take, and TLS: what is called off from outside in
the middle of a greeting leaves its connection open."""


class _Left:
    """Whether anything of the body has left: from then on the other side may have taken it."""

    def __init__(self) -> None:
        self.body = False

    async def note(self, event: str, _: dict[str, Any]) -> None:
        """What the connection tells of."""
        self.body = self.body or event == "http11.send_request_body.started"


class WayOut:
    """A process's connections to programs. Nothing of one address is shared with another's wait."""

    def __init__(self, *, allows_private: bool, within: timedelta) -> None:
        self._client = checked_client(allows_private=allows_private)
        self._within = within.total_seconds()

    async def post(self, parcel: Parcel) -> Posted:
        """Posts once, within its time. Nothing that the other side does raises."""
        began, left = monotonic(), _Left()
        on_behalf_of.set(parcel.account_id)
        try:
            async with asyncio.timeout(self._within):
                answer = await self._ask(parcel, left)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError, ValueError) as fault:
            return Posted(None, _cause(fault, left), timedelta(seconds=monotonic() - began))
        took = timedelta(seconds=monotonic() - began)
        # The head counts, however slowly a body follows.
        await _part_from(answer)
        return Posted(answer.status_code, _verdict(answer.status_code), took, _asked(answer))

    async def _ask(self, parcel: Parcel, left: _Left) -> httpx.Response:
        request = self._client.build_request(
            "POST",
            parcel.url,
            content=parcel.body.encode(),
            headers=_headers(parcel),
            timeout=httpx.Timeout(None, connect=self._within * GREETED_IN),
            extensions={"trace": left.note},
        )
        return await self._client.send(request, stream=True)

    async def close(self) -> None:
        """Takes leave of everybody."""
        await self._client.aclose()


def _headers(parcel: Parcel) -> dict[str, str]:
    now = datetime.now(UTC)
    signed = (Webhook(secret).sign(parcel.id, now, parcel.body) for secret in parcel.secrets)
    headers = {
        "content-type": "application/json",
        "user-agent": "Handoff-Webhooks/1",
        "accept-encoding": "identity",
    }
    if not parcel.secrets:
        return headers
    headers |= {
        "webhook-id": parcel.id,
        "webhook-timestamp": str(math.floor(now.timestamp())),
        "webhook-signature": " ".join(signed),
    }
    return headers | ({"authorization": f"Bearer {parcel.token}"} if parcel.token else {})


async def _part_from(answer: httpx.Response) -> None:
    with suppress(TimeoutError, httpx.HTTPError, OSError):
        async with asyncio.timeout(PARTED_WITHIN):
            try:
                await _drain(answer)
            finally:
                await answer.aclose()


async def _drain(answer: httpx.Response) -> None:
    """Whoever sends without end is not listened to: the head has said all that counts."""
    read = 0
    with suppress(TimeoutError, httpx.HTTPError):
        async with asyncio.timeout(DRAINED_WITHIN):
            async for chunk in answer.aiter_raw():
                read += len(chunk)
                if read > DRAINED_BYTES:
                    return


def _verdict(code: int) -> Cause:
    if 200 <= code < 300:
        return Cause.ACCEPTED
    if code == HTTPStatus.GONE:
        return Cause.GONE
    if code in SLOW_DOWN:
        return Cause.SLOW_DOWN
    return Cause.REDIRECTED if 300 <= code < 400 else Cause.ERROR_ANSWER


def _asked(answer: httpx.Response) -> timedelta | None:
    said = answer.headers.get("retry-after", "").strip()
    if answer.status_code not in SLOW_DOWN or not said:
        return None
    try:
        asked = (
            timedelta(seconds=min(int(said), 10**9))
            if said.isascii() and said.isdigit() and len(said) < 12
            else parsedate_to_datetime(said) - datetime.now(UTC)
        )
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(asked, ASKED_AT_LEAST), ASKED_AT_MOST)


def _cause(fault: Exception, left: _Left) -> Cause:
    if left.body:
        # Perhaps it was taken, however its answer was lost.
        return Cause.TIMEOUT
    match fault.__cause__:
        case AddressRefused():
            return Cause.ADDRESS_REFUSED
        case NameUnknown():
            return Cause.DNS
    if isinstance(fault, TimeoutError | httpx.ConnectTimeout):
        return Cause.CONNECT_TIMEOUT
    if isinstance(fault, httpx.ConnectError):
        return Cause.TLS if "SSL" in str(fault) or "certificate" in str(fault) else Cause.CONNECTION
    return Cause.INVALID_ADDRESS if isinstance(fault, httpx.InvalidURL) else Cause.CONNECTION
