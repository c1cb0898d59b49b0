"""The keys that an identity provider publishes: fetched, kept a while, and asked for again."""

import asyncio
from collections.abc import Callable

import httpx
import jwt
import structlog

from handoff.addresses import is_loopback
from handoff.errors import ConfigurationError, Unreachable
from handoff.tokens import PUBLIC_KEY_ALGORITHMS, read_keys

log = structlog.get_logger()

FRESH_FOR = 600.0
"""Seconds for which a fetched key set is used without a question."""
USABLE_FOR = 24 * 3600.0
"""Seconds for which it still serves while the provider is down."""
ASK_AGAIN_AFTER = 10.0
"""Seconds between two fetches caused by unknown keys, and between two tries at a stale set."""
EMPTY_HANDED_RETRY = 1.0
"""Seconds between two tries while there is no usable key at all."""
FETCH_WITHIN = 2.0
PATIENCE = 0.25
"""Seconds that a token waits for a stale set to be renewed before the old keys judge it."""
LARGEST_SET = 256 * 1024

_NO_ANSWER = "the identity provider does not answer"


class UnknownKey(jwt.InvalidTokenError):
    """No key that we trust bears this id and fits this algorithm."""


class ProviderKeys:
    """The provider's published keys, fetched by one request at a time and kept a while."""

    def __init__(self, url: str, http: httpx.AsyncClient, clock: Callable[[], float]) -> None:
        """`clock` counts seconds."""
        self._url = _checked(url)
        self._http = http
        self._clock = clock
        self._keys: list[jwt.PyJWK] = []
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._asked_at: float | None = None
        self._answers = True
        self._fetch: asyncio.Task[None] | None = None

    async def find(self, key_id: str | None, algorithm: str) -> jwt.PyJWK:
        """The one key that bears the id and fits the algorithm.

        Raises:
            UnknownKey: the provider publishes none.
            Unreachable: it may well publish one, but does not answer.
        """
        if algorithm not in PUBLIC_KEY_ALGORITHMS:
            raise jwt.InvalidAlgorithmError("not an algorithm that we take")
        renewed = await self._renew()
        key = self._pick(key_id, algorithm)
        if key is None and not renewed and self._may_ask():
            await self._fetched()
            key = self._pick(key_id, algorithm)
        if key is not None:
            return key
        if not self._answers:
            raise Unreachable(_NO_ANSWER)
        raise UnknownKey

    async def ask_again(self) -> bool:
        """Fetches them once more, as for an unknown id; False where that was done just now."""
        if not self._may_ask():
            return False
        await self._fetched()
        return self._answers

    async def aclose(self) -> None:
        """Gives up a fetch that is under way."""
        if self._fetch is not None:
            self._fetch.cancel()
            await asyncio.wait({self._fetch})

    async def _renew(self) -> bool:
        """Sees to it that there are keys to judge by; true when they were fetched just now."""
        age = self._since(self._fetched_at)
        if age < FRESH_FOR:
            return False
        usable = age < USABLE_FOR
        pause = ASK_AGAIN_AFTER if usable else EMPTY_HANDED_RETRY
        if self._under_way() or self._since(self._tried_at) >= pause:
            await self._fetched(patience=PATIENCE if usable else None)
        if self._since(self._fetched_at) >= USABLE_FOR:
            raise Unreachable(_NO_ANSWER)
        return self._since(self._fetched_at) < FRESH_FOR

    def _may_ask(self) -> bool:
        # A flood of invented key ids shares one fetch, then waits for nothing.
        if self._under_way():
            return True
        tried_in_vain = not self._answers and self._since(self._tried_at) < ASK_AGAIN_AFTER
        if tried_in_vain or self._since(self._asked_at) < ASK_AGAIN_AFTER:
            return False
        self._asked_at = self._clock()
        return True

    def _pick(self, key_id: str | None, algorithm: str) -> jwt.PyJWK | None:
        fitting = [
            key
            for key in self._keys
            if key.algorithm_name == algorithm and key_id in (None, key.key_id)
        ]
        # Two that fit would leave the choice to chance.
        return fitting[0] if len(fitting) == 1 else None

    async def _fetched(self, *, patience: float | None = None) -> None:
        # A task of its own, because a caller who hangs up must not take the fetch from the others.
        if self._fetch is None or self._fetch.done():
            self._tried_at = self._clock()
            self._fetch = asyncio.create_task(self._fetch_keys())
        await asyncio.wait({self._fetch}, timeout=patience)
        if self._fetch.done() and not self._fetch.cancelled():
            self._fetch.result()  # What it did not expect is a fault of ours and must be heard.

    async def _fetch_keys(self) -> None:
        try:
            keys = read_keys(await self._download())
        except (httpx.HTTPError, TimeoutError, ValueError) as fault:
            self._answers = False
            log.warning("jwks.unreadable", cause=type(fault).__name__)
            return
        self._answers = True
        self._keys, self._fetched_at = keys, self._clock()
        log.info("jwks.read", keys=len(keys))

    async def _download(self) -> bytes:
        # Read raw, so that the limit counts what arrives and nothing can swell afterwards.
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        async with (
            asyncio.timeout(FETCH_WITHIN),
            self._http.stream("GET", self._url, headers=headers, follow_redirects=False) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise ValueError("not a 200")
            body = bytearray()
            async for chunk in answer.aiter_raw():
                body += chunk
                if len(body) > LARGEST_SET:
                    raise ValueError("too large")
            return bytes(body)

    def _under_way(self) -> bool:
        return self._fetch is not None and not self._fetch.done()

    def _since(self, moment: float | None) -> float:
        return float("inf") if moment is None else self._clock() - moment


def _checked(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL()
    if parsed.scheme == "https" and parsed.host and not parsed.userinfo:
        return parsed
    if parsed.scheme == "http" and is_loopback(parsed.host) and not parsed.userinfo:
        return parsed
    raise ConfigurationError(
        "HANDOFF_AUTH_JWKS_URL: must look like https://id.example.com/jwks.json "
        "(http only on this machine's loopback)"
    )
