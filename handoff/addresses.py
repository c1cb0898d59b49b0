"""Where other servers are, as a setting gives it: checked for its form, and taken apart."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import parse_qs, unquote, urlsplit

import idna
from pydantic import AfterValidator, SecretStr

from handoff.mailboxes import mailbox
from handoff.names import one_line

_TLS = ("starttls", "implicit", "none")
_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[0-9a-z._-]+|[0-9a-f:.]+")
_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[\w!*'()-][\w!.*'()-]*)*/?", re.ASCII)


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


def web_origin(address: str) -> str:
    """`scheme://host[:port]` as browsers write it: small letters, a name in ASCII, no usual port.

    Raises:
        ValueError: the address has none.
    """
    parts = urlsplit(address.strip())
    scheme, host, port = parts.scheme, parts.hostname, parts.port
    if scheme not in _PORTS or not host or parts.username is not None:
        raise ValueError("must look like https://handoff.example.com")
    try:
        name = host if host.isascii() else idna.encode(host, uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        raise ValueError("its host name is none") from None
    if not _HOST.fullmatch(name):
        raise ValueError("its host name is none")
    shown = f"[{name}]" if ":" in name else name
    return f"{scheme}://{shown}" if port in (None, _PORTS[scheme]) else f"{scheme}://{shown}:{port}"


def _public(value: str) -> str:
    parts = urlsplit(value.strip())
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("must have no path: the pages and the API stand at the root of a host")
    return web_origin(value)


def _bucket(value: str) -> str:
    if not _BUCKET.fullmatch(value):
        raise ValueError("must look like s3://bucket or s3://bucket/prefix")
    return value.rstrip("/")


def _sender(value: str) -> str:
    address = value.rpartition("<")[2].rstrip("> ") if "<" in value else value
    try:
        one_line(value)
        kept = mailbox(address)
    except ValueError:
        raise ValueError("must look like Handoff <handoff@example.com>") from None
    return value.replace(address, kept)


DatabaseUrl = Annotated[SecretStr, AfterValidator(_database)]
RedisUrl = Annotated[SecretStr, AfterValidator(_redis)]
SmtpUrl = Annotated[SecretStr, AfterValidator(_smtp)]
WebAddress = Annotated[str, AfterValidator(_web)]
"""Without a slash at its end."""

PublicAddress = Annotated[str, AfterValidator(_public)]
"""The origin at which browsers reach us, in the form in which they say it."""

BucketUrl = Annotated[str, AfterValidator(_bucket)]
"""`s3://bucket/prefix`, without a slash at its end."""

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


@dataclass(frozen=True, slots=True)
class Listen:
    """`HANDOFF_OPERATOR_LISTEN`, taken apart."""

    host: str
    port: int

    @classmethod
    def parse(cls, value: str) -> "Listen":
        """`127.0.0.1:9464`, `[::1]:9464`, `0.0.0.0:9464`; port 0 is any free one.

        Raises:
            ValueError: it is none.
        """
        parts = urlsplit(f"//{value}")
        if not parts.hostname or parts.port is None or parts.path or parts.username is not None:
            raise ValueError("must look like 127.0.0.1:9464")
        return cls(parts.hostname, parts.port)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        return is_loopback(self.host)


def is_loopback(host: str | None) -> bool:
    """Whether only this machine calls it so."""
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False
