"""The addresses of an account's own programs: their form, and which hosts the account has named.

Where such a name leads to is asked when it is connected to, and not here.
"""

from collections.abc import Collection
from urllib.parse import urlsplit, urlunsplit

from handoff.addresses import web_origin

LONGEST = 2000
"""Characters of an address."""


def program_address(text: str) -> str:
    """The address in the one spelling of its host: `https://example.com/hook?a=b`.

    Raises:
        ValueError: says what is wrong; never shows it, for it may bear a secret.
    """
    parts = urlsplit(_printable(text))
    if parts.username is not None or parts.password is not None:
        raise ValueError("must bear no user and no password")
    if parts.fragment:
        raise ValueError("must have no fragment")
    origin = urlsplit(web_origin(f"{parts.scheme}://{parts.netloc}"))
    return urlunsplit((origin.scheme, origin.netloc, parts.path or "/", parts.query, ""))


def _printable(text: str) -> str:
    address = text.strip()
    if len(address) > LONGEST or not address.isprintable() or " " in address or "\\" in address:
        raise ValueError("must look like https://example.com/hook")
    if not urlsplit(address).path.isascii() or not urlsplit(address).query.isascii():
        raise ValueError("must be percent-encoded")
    return address


def program_host(text: str) -> str:
    """A host, or one of its ports: `example.com`, `example.com:8443`.

    Raises:
        ValueError: it is neither.
    """
    address = text.strip()
    try:
        if any(sign in address for sign in "/?#@*\\ ") or not address.isprintable():
            raise ValueError(address)
        return urlsplit(web_origin(f"https://{address}")).netloc
    except ValueError:
        raise ValueError("must be a host such as example.com or example.com:8443") from None


def is_among(address: str, hosts: Collection[str]) -> bool:
    """Whether its host was named: with its port, or for all ports."""
    parts = urlsplit(address)
    usual = {"http": 80, "https": 443}[parts.scheme]
    host = parts.netloc.removesuffix(f":{parts.port}") if parts.port else parts.netloc
    return host in hosts or f"{host}:{parts.port or usual}" in hosts
