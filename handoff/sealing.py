"""Secrets as PostgreSQL keeps them: sealed with the key ring, each bound to what it is for.

What a database, its backup or its replica shows of one is of no use without `HANDOFF_PAYLOAD_KEYS`.
"""

import secrets
from base64 import b64decode, b64encode
from uuid import UUID

from cryptography.exceptions import InvalidTag

from handoff.temporal.key_ring import PLAIN, KeyRing

_NONCE_BYTES = 12
_SECRET_BYTES = 24


class Unsealable(Exception):
    """It was sealed with a key that is not in the ring any more, or for something else."""


def new_signing_secret(keyring: KeyRing, *, purpose: str) -> tuple[str, str]:
    """What Standard Webhooks signs with, in its own notation, and the same as it is kept."""
    secret = "whsec_" + b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    return secret, seal(keyring, secret, purpose=purpose)


def callback_purpose(handoff_id: UUID) -> str:
    """What a handoff's callback is sealed for."""
    return f"callback of {handoff_id}"


def seal(keyring: KeyRing, secret: str, *, purpose: str) -> str:
    """`<key id>:<base64>`; in plain text where the ring says so. `purpose` names whose it is."""
    key = keyring.writer
    if key is None:
        return f"{PLAIN}:{b64encode(secret.encode()).decode()}"
    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = key.cipher.encrypt(nonce, secret.encode(), _bound(key.id, purpose))
    return f"{key.id}:{b64encode(nonce + sealed).decode()}"


def unseal(keyring: KeyRing, sealed: str, *, purpose: str) -> str:
    """The secret again.

    Raises:
        Unsealable: its key is not in the ring, or it was sealed for another purpose.
    """
    key_id, _, text = sealed.rpartition(":")
    content = b64decode(text)
    if key_id == PLAIN and keyring.reads_plain:
        return content.decode()
    key = keyring.readers.get(key_id)
    if key is None:
        raise Unsealable(f"its key {key_id} is not in HANDOFF_PAYLOAD_KEYS")
    nonce, encrypted = content[:_NONCE_BYTES], content[_NONCE_BYTES:]
    try:
        return key.cipher.decrypt(nonce, encrypted, _bound(key_id, purpose)).decode()
    except InvalidTag:
        raise Unsealable("it was not sealed for this") from None


def is_current(keyring: KeyRing, sealed: str) -> bool:
    """Whether it was sealed with the key that writes today."""
    return sealed.rpartition(":")[0] == (keyring.writer.id if keyring.writer else PLAIN)


def _bound(key_id: str, purpose: str) -> bytes:
    return b"\0".join((b"handoff secret 1", key_id.encode(), purpose.encode()))
