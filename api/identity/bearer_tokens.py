"""Who is calling: judges bearer tokens, by the shared secret or by the identity provider's keys.

How the keys are fetched and kept, whom a provider's subject is of our users, roles, cookies and
HTTP headers are elsewhere.
"""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

import jwt
import structlog
from jwt.exceptions import InvalidSubjectError

from handoff.contract.people import Subject
from handoff.errors import ConfigurationError, Unauthenticated
from handoff.settings import Settings
from handoff.tokens import (
    Unverified,
    is_subject,
    read_unverified,
    shared_key,
    user_id_of,
)

if TYPE_CHECKING:
    import httpx

log = structlog.get_logger()

_REFUSED = "The bearer token is not valid here. Sign in again."


class _Keys(Protocol):
    async def find(self, key_id: str | None, algorithm: str) -> jwt.PyJWK: ...

    async def ask_again(self) -> bool: ...

    async def aclose(self) -> None: ...


class TokenVerifier:
    """Tells whose a token is. Built once per process; `aclose` it before the HTTP client, which
    only a provider's keys need.
    """

    def __init__(
        self,
        settings: Settings,
        http: "httpx.AsyncClient | None" = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer = settings.auth_issuer
        self._audience = settings.auth_audience
        self._leeway = settings.auth_leeway
        self._is_ours = settings.auth_jwks_url is None
        self._settings = settings
        self._keys: _Keys
        # A configured provider is the only authority: the secret then signs no bearer tokens.
        if settings.auth_jwks_url is not None:
            from api.identity.provider_keys import ProviderKeys

            if http is None:
                raise TypeError("a provider's keys are fetched by a client of HTTP")
            self._keys = ProviderKeys(settings.auth_jwks_url, http, clock)
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
            claims = await self._proven(token, claimed)
            if self._is_ours:
                return user_id_of(claims["sub"])
            return Subject(_issuer(claims), subject_of(claims, self._settings))
        except jwt.PyJWTError as fault:
            log.info("token.refused", cause=type(fault).__name__)
            raise Unauthenticated(_REFUSED) from None

    async def aclose(self) -> None:
        """Gives up a fetch that is under way."""
        await self._keys.aclose()

    async def _proven(self, token: str, claimed: Unverified) -> dict[str, Any]:
        key = await self._keys.find(claimed.key_id, claimed.algorithm)
        try:
            return self._prove(token, key)
        except jwt.InvalidSignatureError:
            # Some replace a key under the name of the old one.
            if not await self._keys.ask_again():
                raise
            return self._prove(token, await self._keys.find(claimed.key_id, claimed.algorithm))

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

    async def ask_again(self) -> bool:
        return False

    async def aclose(self) -> None:
        return


def subject_of(claims: Mapping[str, Any], settings: Settings) -> str:
    """What the provider calls somebody: `sub`, or what HANDOFF_AUTH_SUBJECT says.

    Raises:
        jwt.InvalidTokenError: the token does not say it.
    """
    name = "oid" if settings.auth_subject == "oid" else "sub"
    value = claims.get(name)
    if not isinstance(value, str) or not is_subject(value):
        raise InvalidSubjectError(f"no {name}")
    return value


def _issuer(claims: dict[str, Any]) -> str:
    issuer = claims.get("iss", "")
    if not isinstance(issuer, str):
        raise jwt.InvalidIssuerError("an issuer that is no text")
    return issuer.rstrip("/")
