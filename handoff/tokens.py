"""Bearer tokens and published keys, as data: minting a token for trying things, reading tokens and
key sets strictly before anything in them is believed. No network, no clock and no settings here;
signatures, issuer, audience and times are judged in `api/identity/bearer_tokens.py`.
"""

import base64
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from jwt.exceptions import InvalidSubjectError
from pydantic import SecretStr

from handoff.errors import ConfigurationError

logger = structlog.get_logger(__name__)

LONGEST_TOKEN = 8 * 1024
"""Characters. Anything longer is refused before a byte of it is parsed."""

# Three filled parts. An encrypted token (five), a detached body, an empty signature, padding and
# white space all fail here.
_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+")

# Each of these changes how the rest must be read, and nobody who signs in needs that.
_REFUSED_HEADERS = frozenset({"b64", "crit", "cty", "enc", "zip"})

# Other kinds of signed statement by the same provider (logout, DPoP proof, ...) are not tokens.
_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})

_TIMES = ("exp", "nbf", "iat")
LONGEST_SUBJECT = 255
"""Characters: OpenID Connect allows no more."""

_END_OF_TIME = 253_402_300_799
"""The last second of the year 9999. Milliseconds taken for seconds are beyond it, too."""

MOST_KEYS = 100
"""A larger set is refused whole: reading it would hold up everybody."""

# The key's type alone decides the algorithm; what the key or the token says must agree with it.
_ALGORITHM_OF = {("RSA", None): "RS256", ("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA"}
PUBLIC_KEY_ALGORITHMS = frozenset(_ALGORITHM_OF.values())
_PRIVATE_PARTS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


@dataclass(frozen=True, slots=True)
class Unverified:
    """What a well-formed token says of itself, good for choosing the key. Nothing is proven."""

    algorithm: str
    key_id: str | None


def mint(
    user_id: UUID,
    *,
    secret: SecretStr | str,
    issuer: str | None = None,
    audience: str | None = None,
    lifetime: timedelta,
    now: datetime,
) -> str:
    """Makes an HS256 token for trying things.

    Raises:
        ConfigurationError: the secret cannot serve as one.
    """
    if now.tzinfo is None:
        raise ValueError("now must be aware")
    claims: dict[str, Any] = {
        "sub": str(user_id),
        "iat": int(now.timestamp()),
        "exp": int((now + lifetime).timestamp()),
    }
    if issuer is not None:
        claims["iss"] = issuer
    if audience is not None:
        claims["aud"] = audience
    return jwt.encode(claims, shared_key(secret), algorithm="HS256")


def shared_key(secret: SecretStr | str) -> jwt.PyJWK:
    """The HS256 key made of the secret, which can verify nothing but HS256.

    Raises:
        ConfigurationError: it is a public key or a certificate, so everybody knows it.
    """
    text = secret.get_secret_value() if isinstance(secret, SecretStr) else secret
    encoded = base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()
    key = jwt.PyJWK({"kty": "oct", "k": encoded}, algorithm="HS256")
    try:
        key.Algorithm.prepare_key(key.key)
    except jwt.InvalidKeyError:
        raise ConfigurationError(
            "HANDOFF_AUTH_SECRET: must be a random secret, not a key or a certificate; "
            "try: openssl rand -hex 32"
        ) from None
    return key


def read_unverified(token: str) -> Unverified:
    """Reads a token that is well-formed in every respect, whoever signed it.

    Raises:
        jwt.InvalidTokenError: it is not.
    """
    if len(token) > LONGEST_TOKEN:
        raise jwt.DecodeError("too long")
    parts = _COMPACT.fullmatch(token)
    if parts is None:
        raise jwt.DecodeError("not three parts in base64url")
    _check_claims(_read_object(parts[2]))
    return _read_header(_read_object(parts[1]))


def read_keys(body: bytes) -> list[jwt.PyJWK]:
    """The keys of a published set that can verify tokens; one without any is valid, too.

    Raises:
        ValueError: it is no key set.
    """
    document = _read_json(body)
    found = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(found, list) or len(found) > MOST_KEYS:
        raise ValueError("not a key set")
    keys = [key for key in map(_read_key, found) if key is not None]
    if len(keys) < len(found):
        logger.info("jwks.members_passed_over", number=len(found) - len(keys))
    return keys


def _read_json(document: bytes) -> Any:
    """Reads JSON that means the same to every reader: UTF-8, no name twice, no NaN or Infinity.

    Raises:
        ValueError: it is anything else.
    """
    try:
        return json.loads(
            document.decode(), object_pairs_hook=_unique, parse_constant=_refuse_constant
        )
    except RecursionError:
        raise ValueError("nested too deep") from None


def _read_object(part: str) -> dict[str, Any]:
    try:
        value = _read_json(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        raise jwt.DecodeError("not JSON in base64url") from None
    if not isinstance(value, dict):
        raise jwt.DecodeError("not a JSON object")
    return value


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError("a name stands twice")
        found[name] = value
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _read_header(header: dict[str, Any]) -> Unverified:
    if not _REFUSED_HEADERS.isdisjoint(header):
        raise jwt.InvalidTokenError("a header that changes the reading")
    kind, algorithm, key_id = header.get("typ", "JWT"), header.get("alg"), header.get("kid")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise jwt.InvalidTokenError("another type of token")
    if not isinstance(algorithm, str):
        raise jwt.InvalidAlgorithmError("no algorithm")
    if "kid" in header and not isinstance(key_id, str):
        raise jwt.DecodeError("a key id that is no text")
    return Unverified(algorithm=algorithm, key_id=key_id)


def _check_claims(claims: dict[str, Any]) -> None:
    for name in _TIMES:
        if name in claims and not _is_time(claims[name]):
            raise jwt.DecodeError("a time that is no time")
    if not is_subject(claims.get("sub")):
        raise InvalidSubjectError("no subject")


def _is_time(value: Any) -> bool:
    # A boolean is an int to Python, and 1e400 reads as infinity.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value <= _END_OF_TIME


def is_subject(value: Any) -> bool:
    """Whether this can name somebody at a provider."""
    return isinstance(value, str) and 1 <= len(value) <= LONGEST_SUBJECT and value.isprintable()


def user_id_of(subject: str) -> UUID:
    """Our user's id, where the secret that signed the token is ours.

    Raises:
        jwt.InvalidTokenError: it is none. UUID() also takes braces, `urn:uuid:` and underscores;
            one user has one spelling.
    """
    try:
        user_id = UUID(subject)
    except ValueError:
        raise InvalidSubjectError("no user id") from None
    if str(user_id) != subject.lower():
        raise InvalidSubjectError("no user id")
    return user_id


def _read_key(data: Any) -> jwt.PyJWK | None:
    algorithm = _algorithm_of(data) if isinstance(data, dict) else None
    if algorithm is None:
        return None
    try:
        key = jwt.PyJWK(data, algorithm=algorithm)
        too_short = key.Algorithm.check_key_length(key.key) is not None
    except (jwt.PyJWTError, UnsupportedAlgorithm, ValueError):
        return None
    return None if too_short else key


def _algorithm_of(data: dict[str, Any]) -> str | None:
    """What this published key verifies, by its type; nothing if anything in it speaks against."""
    kind, curve = data.get("kty"), data.get("crv")
    if not isinstance(kind, str) or not isinstance(curve, str | None):
        return None
    algorithm = _ALGORITHM_OF.get((kind, curve))
    operations = data.get("key_ops", ["verify"])
    fits = (
        data.get("alg", algorithm) == algorithm
        and data.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
        and isinstance(data.get("kid"), str | None)
        # Whoever publishes the private half has lost the key.
        and _PRIVATE_PARTS.isdisjoint(data)
    )
    return algorithm if fits else None
