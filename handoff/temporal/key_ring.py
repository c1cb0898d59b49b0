"""The keys that encrypt what goes through the engine: read from the setting, and nothing else.

`name:secret,name:secret`: the first key writes, all of them read; `none` stands for plain text.
What is encrypted with them lives in `codec.py`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PLAIN = "none"
EXAMPLE = "2026:<secret>, where the secret is made by: openssl rand -hex 32"

# A secret alone is named `key`. Hexadecimal and both kinds of base64 fit.
_ENTRY = re.compile(r"(?:(?P<name>[A-Za-z0-9._-]{1,32}):)?(?P<secret>[A-Za-z0-9+/=_-]{32,200})")


@dataclass(frozen=True, slots=True)
class Key:
    """One AES-256-GCM key. Good for some four thousand million payloads, then make a new one."""

    id: str
    cipher: AESGCM


@dataclass(frozen=True, slots=True)
class KeyRing:
    """`writer` encrypts, None means plain text; every one of `readers` decrypts."""

    writer: Key | None
    readers: Mapping[str, Key]
    reads_plain: bool

    @classmethod
    def parse(cls, text: str) -> "KeyRing":
        """Reads the setting.

        Raises:
            ValueError: says what is wrong, and never shows a key.
        """
        entries = [entry.strip() for entry in text.split(",")]
        found = [None if entry == PLAIN else _read(entry) for entry in entries]
        keys = {key.id: key for key in found if key is not None}
        if len(keys) + (None in found) < len(found):
            raise ValueError("names the same key twice")
        return cls(found[0], keys, None in found)


IN_THE_CLEAR = KeyRing.parse(PLAIN)
"""Encrypts nothing and reads nothing that is encrypted."""


def _read(entry: str) -> Key:
    found = _ENTRY.fullmatch(entry)
    if found is None:
        raise ValueError(f"must look like {EXAMPLE}")
    name, secret = found["name"] or "key", found["secret"].encode()
    # The name with a trace of the key: another key under an old name is unknown, not a forgery.
    trace = _derive(secret, b"handoff payload key id", length=4).hex()
    return Key(f"{name}-{trace}", AESGCM(_derive(secret, b"handoff payload key", length=32)))


def _derive(secret: bytes, purpose: bytes, *, length: int) -> bytes:
    return HKDF(SHA256(), length=length, salt=None, info=purpose).derive(secret)
