"""The keys that are made from the secrets of the settings: one of its own for each purpose."""

import hashlib
import hmac

from handoff.settings import Settings
from handoff.temporal.key_ring import KeyRing


def keyring_of(settings: Settings) -> KeyRing:
    """The keys of what goes through the engine."""
    if settings.payload_keys is not None:
        return KeyRing.parse(settings.payload_keys.get_secret_value())
    assert settings.auth_secret is not None  # noqa: S101 - else the start has failed
    derived = hashlib.sha256(b"payloads " + settings.auth_secret.get_secret_value().encode())
    return KeyRing.parse(f"derived:{derived.hexdigest()}")


def key_for(settings: Settings, purpose: str) -> bytes | None:
    """What signs things for this purpose: a cookie is no bearer token, and a link is neither.

    None where there is no secret to make it from.
    """
    if settings.auth_secret is None:
        return None
    secret = settings.auth_secret.get_secret_value().encode()
    return hmac.digest(secret, f"handoff {purpose}".encode(), hashlib.sha256)
