"""What a mail address is: one form, one spelling, and how it looks to a server without SMTPUTF8.

Form after RFC 5321 with RFC 6531's letters. No network: whether somebody reads there, mail tells.
"""

import re

import idna

from handoff.names import composed

LONGEST = 254
"""Bytes of UTF-8, of which 64 stand before the @ (RFC 5321, 4.5.3.1, and its errata)."""

_ATOM = r"""[^\s\x00-\x1f\x7f-\x9f"(),.:;<>@\[\\\]]+"""
_QUOTED = r'''"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\[\x20-\x7e])*"'''
_LABEL = r"\w(?:[\w-]*\w)?"
_ADDRESS = re.compile(
    rf"(?P<local>{_ATOM}(?:\.{_ATOM})*|{_QUOTED})@"
    rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Za-z.:]+\])"
)


def is_mailbox(text: str) -> bool:
    """Whether a mail server could be given this as a mailbox at all."""
    if len(text) > LONGEST or not text.isprintable():
        return False
    match = _ADDRESS.fullmatch(text)
    if match is None or len(text.encode()) > LONGEST or len(match["local"].encode()) > 64:
        return False
    return text.isascii() or _ascii_domain(text) is not None


def mailbox(text: str) -> str:
    """The one spelling under which a mailbox is kept, but for the case of ASCII, which counts
    nowhere: composed letters, and the domain as people read it.

    Raises:
        ValueError: no mail could be sent there.
    """
    local, _, domain = composed(text.strip()).rpartition("@")
    try:
        domain = _readable(domain)
    except (idna.IDNAError, UnicodeError):
        raise ValueError("its domain is none") from None
    # The database folds the case of ASCII everywhere, of other letters in some places only.
    found = f"{local if local.isascii() else local.lower()}@{domain}"
    if not is_mailbox(found):
        raise ValueError("must be an address that mail can be sent to")
    return found


def same_as(text: str) -> str:
    """What is equal for two spellings of one mailbox, to compare by; also of what is none."""
    try:
        return mailbox(text).lower()
    except ValueError:
        return text.lower()


def in_ascii(address: str) -> str:
    """The address with its domain in ASCII: the same mailbox, for any server's ears."""
    domain = None if address.isascii() else _ascii_domain(address)
    return address if domain is None else f"{address.rpartition('@')[0]}@{domain}"


def _readable(domain: str) -> str:
    if domain.isascii() and "xn--" not in domain.lower():
        return domain
    return composed(idna.decode(idna.encode(domain.lower(), uts46=True)))


def _ascii_domain(address: str) -> str | None:
    domain = address.rpartition("@")[2]
    if domain.isascii():
        return domain
    try:
        return idna.encode(domain, uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        return None
