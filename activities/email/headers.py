"""Mail headers that mean literally what they are given.

The standard library reads a header's value as if it came from the wire: on Python before 3.11.10
`=?utf-8?q?a=0D=0ABcc:_x?=` in a subject so became a second header. These never read their value;
they only write it.
"""

from email.header import Header
from email.headerregistry import (
    BaseHeader,
    ContentTransferEncodingHeader,
    ContentTypeHeader,
    HeaderRegistry,
    MIMEVersionHeader,
    UnstructuredHeader,
)
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy, Policy
from email.utils import quote
from functools import cache
from typing import Any

_WIDTH = 76
_NOTHING = UnstructuredHeader.value_parser("")


class _Literal(BaseHeader):
    """A header whose value is text, never syntax."""

    max_count = 1

    @classmethod
    def parse(cls, value: str, keywords: dict[str, Any]) -> None:
        """Takes the value as it is; the empty tree is there because the base class wants one."""
        keywords["decoded"] = value
        keywords["parse_tree"] = _NOTHING

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
    """One line of ASCII of our own making, such as a Message-ID or a date."""

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


_READ_AGAIN: dict[str, Any] = {
    "mime-version": MIMEVersionHeader,
    "content-type": ContentTypeHeader,
    "content-transfer-encoding": ContentTransferEncodingHeader,
}


class _Registry(HeaderRegistry):
    """All headers are literal, but for those that the library writes and reads again by itself."""

    def __init__(self) -> None:
        super().__init__(default_class=_Token, use_default_map=False)  # type: ignore[arg-type]
        self.map_to_type("subject", _Text)
        for name in ("from", "to"):
            self.map_to_type(name, _Mailbox)
        for name, kind in _READ_AGAIN.items():
            self.map_to_type(name, kind)
        self._made: dict[str, type] = {}

    def __getitem__(self, name: str) -> type:
        """The class for a header; the library makes it anew for each."""
        made = self._made.get(name)
        if made is None:
            made = self._made[name] = super().__getitem__(name)
        return made


@cache
def letter_policy() -> "EmailPolicy[EmailMessage]":
    """How letters are stored and written: literal headers, seven bits, CRLF."""
    return SMTP.clone(header_factory=_Registry(), cte_type="7bit")
