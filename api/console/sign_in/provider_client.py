"""Authlib's OpenID Connect client, made to last: what a provider publishes is read leniently, asked
for again, and never believed for ever. Whom it vouches for, `oidc.py` makes of it.
"""

import asyncio
import time
import warnings
from collections.abc import Mapping
from typing import Any

import httpx
import structlog
from authlib.deprecate import AuthlibDeprecationWarning
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet
from joserfc.jws import JWSRegistry

with warnings.catch_warnings():
    # It would rather have httpx2, and says so at every import; httpx serves it as well.
    warnings.simplefilter("ignore", AuthlibDeprecationWarning)
    from authlib.integrations.starlette_client import OAuth, StarletteOAuth2App
    from authlib.oidc.core import CodeIDToken

logger = structlog.get_logger(__name__)

FRESH_FOR = 600.0
"""Seconds for which published keys are used without a question."""
ASK_AGAIN_AFTER = 10.0
"""Seconds between two questions that a token caused which no known key has signed."""
DESCRIBED_FOR = 3600.0
"""Seconds after which the provider's description is read again."""
LARGEST_SET = 256 * 1024
MOST_KEYS = 100
LEEWAY = 120
"""Seconds of clock difference that are forgiven."""

_WAYS = ("client_secret_basic", "client_secret_post")


class NoKey(JoseError):
    """Nothing that the provider publishes has signed this."""

    error = "no_key"


class ProviderClient(StarletteOAuth2App):  # type: ignore[misc]
    """One provider. Its faults raise what httpx, joserfc and Authlib raise."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._keys: tuple[Key, ...] = ()
        self._asked_at = float("-inf")
        self._asking = asyncio.Lock()

    async def load_server_metadata(self) -> dict[str, Any]:
        """The provider's description; an old one serves while no new one can be had."""
        known: dict[str, Any] = self.server_metadata
        if time.time() - known.get("_loaded_at", 0.0) < DESCRIBED_FOR:
            return known
        try:
            async with self._get_session() as client:
                answer = await client.request("GET", self._server_metadata_url, withhold_token=True)
                answer.raise_for_status()
                described = answer.json()
        except (httpx.HTTPError, ValueError):
            if "_loaded_at" not in known:
                raise
            described = {}
        known.update(described, _loaded_at=time.time())
        self._choose_way(known)
        return known

    def _choose_way(self, described: Mapping[str, Any]) -> None:
        """How we prove who we are: as the provider takes it, which need not be the usual way."""
        if self.client_secret is not None:
            offered = described.get("token_endpoint_auth_methods_supported") or _WAYS
            way = next((way for way in _WAYS if way in offered), _WAYS[0])
            self.client_kwargs["token_endpoint_auth_method"] = way

    async def parse_id_token(
        self, token: Mapping[str, Any], nonce: str, **ignored: Any
    ) -> dict[str, Any]:
        """The claims of an ID token that holds.

        Raises:
            JoseError: it does not.
        """
        described = await self.load_server_metadata()
        algorithms = described.get("id_token_signing_alg_values_supported") or ["RS256"]
        proven = await self._proven(token["id_token"], algorithms)
        issuer = {"iss": {"values": [described["issuer"]]}}
        known = {"nonce": nonce, "client_id": self.client_id, "access_token": token["access_token"]}
        claims = CodeIDToken(proven.claims, proven.header, issuer, known)
        claims.validate(leeway=LEEWAY)
        return dict(claims)

    async def _proven(self, text: str, algorithms: list[str]) -> jwt.Token:
        """Keys may have been replaced, under the same name too: then they are asked for again."""
        registry = JWSRegistry(algorithms=algorithms, strict_check_header=False)
        for again in (False, True):
            # Who comes meanwhile waits for the same answer.
            async with self._asking:
                keys = await self._published(again=again)
            for key in keys:
                try:
                    return jwt.decode(text, key, registry=registry)
                except (JoseError, ValueError):
                    continue
        raise NoKey

    async def _published(self, *, again: bool) -> tuple[Key, ...]:
        age = time.monotonic() - self._asked_at
        if age < (ASK_AGAIN_AFTER if again or not self._keys else FRESH_FOR):
            return self._keys
        self._asked_at = time.monotonic()
        try:
            self._keys = await self._download()
        except (httpx.HTTPError, ValueError) as fault:
            logger.warning("sign_in.keys_unreadable", cause=type(fault).__name__)
            if not self._keys:
                self._asked_at = float("-inf")
                raise
        return self._keys

    async def _download(self) -> tuple[Key, ...]:
        described = await self.load_server_metadata()
        async with self._get_session() as client:
            answer = await client.request("GET", described["jwks_uri"], withhold_token=True)
            answer.raise_for_status()
        found = answer.json() if len(answer.content) <= LARGEST_SET else None
        members = found.get("keys") if isinstance(found, dict) else None
        if not isinstance(members, list) or len(members) > MOST_KEYS:
            raise ValueError("not a key set")
        keys = [key for member in members if (key := _read(member)) is not None]
        logger.info("sign_in.keys_read", keys=len(keys), passed_over=len(members) - len(keys))
        return tuple(keys)


def _read(member: Any) -> Key | None:
    """A published key that can verify; whatever else stands there is passed over."""
    if not isinstance(member, dict) or member.get("kty") == "oct" or member.get("use") == "enc":
        return None
    try:
        return KeySet.import_key_set({"keys": [member]}).keys[0]
    except Exception:  # What a stranger's key set makes a library raise, nobody can list.
        return None


class Providers(OAuth):  # type: ignore[misc]
    """Authlib's registry, with clients of ours."""

    oauth2_client_cls = ProviderClient
