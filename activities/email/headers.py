"""Mail headers that mean literally what they are given.

The standard library reads a header's value as if it came from the wire: on Python before 3.11.10
`=?utf-8?q?a=0D=0ABcc:_x?=` in a subject so became a second header. These never read their value;
they only write it.
"""

from email.header import Header
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy, Policy
from email.utils import quote
from functools import cache
from typing import Any

_WIDTH = 76


class _Literal(BaseHeader):
    """A header whose value is text, never syntax."""

    max_count = 1

    @classmethod
    def parse(cls, value: str, keywords: dict[str, Any]) -> None:
        """Takes the value as it is; the empty tree is there because the base class wants one."""
        keywords["decoded"] = value
        keywords["parse_tree"] = UnstructuredHeader.value_parser("")

    def fold(self, *, policy: Policy) -> str:
        """How it goes over the wire."""
        return f"{self.name}: {self._wire(policy.linesep)}{policy.linesep}"

    def _wire(self, line_end: str) -> str:
        raise NotImplementedError


class _Text(_Literal):
    """Words: encoded where they are not ASCII, folded between words."""

    def _wire(self, line_end: str) -> str:
        return _encoded(str(self), self.name, line_end)


class _Token(_Literal):
    """One unbroken value, such as a Message-ID."""

    def _wire(self, line_end: str) -> str:
        return str(self)


class _Mailbox(_Literal):
    """`Name <address>`, where the name has no angle brackets."""

    def _wire(self, line_end: str) -> str:
        name, bracket, rest = (part.strip() for part in str(self).partition("<"))
        if not name or not bracket:
            return str(self)
        shown = f'"{quote(name)}"' if name.isascii() else _encoded(name, self.name, line_end)
        gap = " " if len(shown) + len(rest) < _WIDTH - len(self.name) else f"{line_end} "
        return f"{shown}{gap}<{rest}"


def mailbox(name: str, address: str) -> str:
    """The value of a From or To."""
    bare = name.replace("<", "(").replace(">", ")").strip()
    return f"{bare} <{address}>".lstrip()


def _encoded(text: str, name: str, line_end: str) -> str:
    charset = "us-ascii" if text.isascii() else "utf-8"
    header = Header(text, charset, maxlinelen=_WIDTH, header_name=name)
    return header.encode(linesep=line_end)


@cache
def letter_policy() -> "EmailPolicy[EmailMessage]":
    """How letters are stored and written: literal headers, seven bits, CRLF."""
    registry = HeaderRegistry()
    registry.map_to_type("subject", _Text)
    for name in ("from", "to"):
        registry.map_to_type(name, _Mailbox)
    for name in ("message-id", "in-reply-to", "references"):
        registry.map_to_type(name, _Token)
    return SMTP.clone(header_factory=registry, cte_type="7bit")
