"""Who is calling: judges bearer tokens, by the shared secret or by the identity provider's keys.

Fetching and keeping those keys lives here, too. Whom a provider's subject is of our users, roles,
cookies and HTTP headers do not.
"""

import asyncio
import ipaddress
import time
from collections.abc import Callable
from typing import Any, Protocol
from uuid import UUID

import httpx
import jwt
import structlog

from handoff.contract.people import Subject
from handoff.errors import ConfigurationError, Unauthenticated, Unreachable
from handoff.settings import Settings
from handoff.tokens import (
    PUBLIC_KEY_ALGORITHMS,
    read_keys,
    read_unverified,
    shared_key,
    user_id_of,
)

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

_REFUSED = "The bearer token is not valid here. Sign in again."
_NO_ANSWER = "the identity provider does not answer"


class UnknownKey(jwt.InvalidTokenError):
    """No key that we trust bears this id and fits this algorithm."""


class _Keys(Protocol):
    async def find(self, key_id: str | None, algorithm: str) -> jwt.PyJWK: ...

    async def aclose(self) -> None: ...


class TokenVerifier:
    """Tells whose a token is. Built once per process; `aclose` it before the HTTP client."""

    def __init__(
        self,
        settings: Settings,
        http: httpx.AsyncClient,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer = settings.auth_issuer
        self._audience = settings.auth_audience
        self._leeway = settings.auth_leeway
        self._is_ours = settings.auth_jwks_url is None
        self._keys: _Keys
        # A configured provider is the only authority: the secret then signs no bearer tokens.
        if settings.auth_jwks_url is not None:
            self._keys = _ProviderKeys(settings.auth_jwks_url, http, clock)
        elif settings.auth_secret is not None:
            self._keys = _SharedKey(shared_key(settings.auth_secret))
        else:
            raise ConfigurationError("HANDOFF_AUTH_SECRET or HANDOFF_AUTH_JWKS_URL must be set")

    async def subject(self, token: str) -> UUID | Subject:
        """To whom the token was given: our user's id where the secret is ours, else whom the
        provider calls so.

        Raises:
            Unauthenticated: it proves nothing, for a reason that only the log tells.
            Unreachable: the provider's keys are needed and cannot be had.
        """
        try:
            claimed = read_unverified(token)
            key = await self._keys.find(claimed.key_id, claimed.algorithm)
            claims = self._prove(token, key)
            if self._is_ours:
                return user_id_of(claims["sub"])
            return Subject(_issuer(claims), claims["sub"])
        except jwt.PyJWTError as fault:
            log.info("token.refused", cause=type(fault).__name__)
            raise Unauthenticated(_REFUSED) from None

    async def aclose(self) -> None:
        """Gives up a fetch that is under way."""
        await self._keys.aclose()

    def _prove(self, token: str, key: jwt.PyJWK) -> dict[str, Any]:
        return jwt.decode(
            token,
            key,
            algorithms=[key.algorithm_name],
            issuer=self._issuer,
            audience=self._audience,
            leeway=self._leeway,
            options={
                "require": ["exp", "sub"],
                "verify_aud": self._audience is not None,
                "enforce_minimum_key_length": True,
            },
        )


class _SharedKey:
    def __init__(self, key: jwt.PyJWK) -> None:
        self._key = key

    async def find(self, key_id: str | None, algorithm: str) -> jwt.PyJWK:
        del key_id  # There is but one key.
        if algorithm != self._key.algorithm_name:
            raise jwt.InvalidAlgorithmError("not the algorithm of the key")
        return self._key

    async def aclose(self) -> None:
        return


class _ProviderKeys:
    """The provider's published keys, fetched by one request at a time and kept a while."""

    def __init__(self, url: str, http: httpx.AsyncClient, clock: Callable[[], float]) -> None:
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

    async def aclose(self) -> None:
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


def _issuer(claims: dict[str, Any]) -> str:
    issuer = claims.get("iss", "")
    if not isinstance(issuer, str):
        raise jwt.InvalidIssuerError("an issuer that is no text")
    return issuer.rstrip("/")


def _checked(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL()
    if parsed.scheme == "https" and parsed.host and not parsed.userinfo:
        return parsed
    if parsed.scheme == "http" and _is_loopback(parsed.host) and not parsed.userinfo:
        return parsed
    raise ConfigurationError(
        "HANDOFF_AUTH_JWKS_URL: must look like https://id.example.com/jwks.json "
        "(http only on this machine's loopback)"
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
