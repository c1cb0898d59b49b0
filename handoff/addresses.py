"""Where other servers are, as a setting gives it: checked for its form, and taken apart."""

from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import SecretStr

DATABASE_SCHEMES = ("postgresql", "postgresql+asyncpg", "postgres")


REDIS_SCHEMES = ("redis", "rediss", "unix")


SMTP_TLS = ("starttls", "implicit", "none")


def checked_url(value: SecretStr, schemes: tuple[str, ...], example: str) -> SecretStr:
    try:
        parts = urlsplit(value.get_secret_value())
        well_formed = parts.scheme in schemes and bool(parts.hostname or parts.path)
        _ = parts.port
    except ValueError:
        well_formed = False
    if not well_formed:
        raise ValueError(f"must look like {example}")
    return value


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
