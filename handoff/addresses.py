"""Where other servers are, as a setting gives it: checked for its form, and taken apart."""

import re
from typing import Annotated
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import AfterValidator, SecretStr

_TLS = ("starttls", "implicit", "none")


def _checked(value: SecretStr, schemes: tuple[str, ...], example: str) -> SecretStr:
    try:
        parts = urlsplit(value.get_secret_value())
        well_formed = parts.scheme in schemes and bool(parts.hostname or parts.path)
        _ = parts.port
    except ValueError:
        well_formed = False
    if not well_formed:
        raise ValueError(f"must look like {example}")
    return value


def _database(value: SecretStr) -> SecretStr:
    schemes = ("postgresql", "postgresql+asyncpg", "postgres")
    return _checked(value, schemes, "postgresql://user:password@host:5432/name")


def _redis(value: SecretStr) -> SecretStr:
    return _checked(value, ("redis", "rediss", "unix"), "redis://:password@host:6379/0")


def _smtp(value: SecretStr) -> SecretStr:
    checked = _checked(value, ("smtp",), "smtp://user:password@host:587?tls=starttls")
    tls = parse_qs(urlsplit(checked.get_secret_value()).query).get("tls", ["starttls"])
    if tls[-1] not in _TLS:
        raise ValueError("tls must be one of starttls, implicit, none")
    return checked


def _web(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must look like https://handoff.example.com")
    return value.rstrip("/")


def _sender(value: str) -> str:
    address = value.rpartition("<")[2].rstrip("> ") if "<" in value else value
    if not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", address) or not value.isprintable():
        raise ValueError("must look like Handoff <handoff@example.com>")
    return value


DatabaseUrl = Annotated[SecretStr, AfterValidator(_database)]
RedisUrl = Annotated[SecretStr, AfterValidator(_redis)]
SmtpUrl = Annotated[SecretStr, AfterValidator(_smtp)]
WebAddress = Annotated[str, AfterValidator(_web)]
"""Without a slash at its end."""

SenderAddress = Annotated[str, AfterValidator(_sender)]
"""A mail address, with or without a name before it."""


class SmtpAddress:
    """`HANDOFF_SMTP_URL`, taken apart."""

    __slots__ = ("host", "password", "port", "tls", "username")

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.tls = parse_qs(parts.query).get("tls", ["starttls"])[-1]
        self.host = parts.hostname or "localhost"
        self.port = parts.port or {"starttls": 587, "implicit": 465, "none": 25}[self.tls]
        self.username = unquote(parts.username) if parts.username else None
        self.password = unquote(parts.password) if parts.password else None
