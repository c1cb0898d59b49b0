"""How a parcel travels: signed, over HTTP, to where it may go. Loaded when something is first
posted: most processes never do."""

import asyncio
import math
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from time import monotonic

import httpx
from standardwebhooks import Webhook

from activities.webhooks.checked import AddressRefused, NameUnknown, checked_client
from activities.webhooks.posting import Parcel, Posted
from handoff.rules.causes import Cause

SLOW_DOWN = frozenset({429, 502, 503, 504})
"""What asks for patience, and may say for how much."""

ASKED_AT_LEAST, ASKED_AT_MOST = timedelta(seconds=1), timedelta(days=1)
"""What `Retry-After` may ask for."""

DRAINED_BYTES, DRAINED_WITHIN = 16 * 1024, 0.5
"""What is read of an answer's body, so that its connection serves again. Nobody looks at it."""


class WayOut:
    """A process's connections to programs. Nothing of one address is shared with another's wait."""

    def __init__(self, *, allows_private: bool, within: timedelta) -> None:
        self._client, self._backend = checked_client(allows_private=allows_private)
        self._within = within.total_seconds()

    async def post(self, parcel: Parcel) -> Posted:
        """Posts once, within its time. Nothing that the other side does raises."""
        began = monotonic()
        try:
            async with asyncio.timeout(self._within):
                code, cause, after = await self._ask(parcel)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError, ValueError) as fault:
            code, cause, after = None, _cause(fault), None
        return Posted(code, cause, timedelta(seconds=monotonic() - began), after)

    async def _ask(self, parcel: Parcel) -> tuple[int, Cause, timedelta | None]:
        request = self._client.build_request(
            "POST", parcel.url, content=parcel.body.encode(), headers=_headers(parcel)
        )
        answer = await self._client.send(request, stream=True)
        try:
            await _drain(answer)
        finally:
            await answer.aclose()
        return answer.status_code, _verdict(answer.status_code), _asked(answer)

    async def close(self) -> None:
        """Takes leave of everybody."""
        await self._client.aclose()
        self._backend.close()


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


def _cause(fault: Exception) -> Cause:
    match fault.__cause__:
        case AddressRefused():
            return Cause.ADDRESS_REFUSED
        case NameUnknown():
            return Cause.DNS
    if isinstance(fault, TimeoutError):
        return Cause.TIMEOUT
    if isinstance(fault, httpx.ConnectError):
        return Cause.TLS if "SSL" in str(fault) or "certificate" in str(fault) else Cause.CONNECTION
    return Cause.INVALID_ADDRESS if isinstance(fault, httpx.InvalidURL) else Cause.CONNECTION
