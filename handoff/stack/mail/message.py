"""What is in a mail, read without trusting it: a fault in one field never hides the others."""

from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message as Parsed
from email.parser import BytesHeaderParser
from email.policy import compat32
from functools import partial
from typing import Any


@dataclass(frozen=True, slots=True)
class CaughtMail:
    """One caught mail. `sender` and `recipients` are the envelope's, not the headers'."""

    id: str
    received_at: str
    sender: str
    recipients: list[str]
    subject: str
    message_id: str
    headers: list[tuple[str, str]]
    text: str | None
    html: str | None

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "received_at": self.received_at,
            "from": self.sender,
            "to": self.recipients,
            "subject": self.subject,
            "message_id": self.message_id,
            "headers": self.headers,
            "text": self.text,
            "html": self.html,
        }


def parse_message(name: str, envelope: dict[str, Any], content: bytes) -> CaughtMail:
    parsed = _parsed(content)
    headers = [(key, _decoded(str(value))) for key, value in parsed.raw_items()]
    first = {key.lower(): value for key, value in reversed(headers)}
    return CaughtMail(
        id=name,
        received_at=envelope["received_at"],
        sender=envelope["from"],
        recipients=list(envelope["to"]),
        subject=first.get("subject", ""),
        message_id=first.get("message-id", "").strip(),
        headers=headers,
        text=_body(parsed, "text/plain"),
        html=_body(parsed, "text/html"),
    )


def _parsed(content: bytes) -> Parsed:
    # The older policy: it never interprets a header by itself, so no header can make it fail.
    try:
        return message_from_bytes(content, policy=compat32)
    except RecursionError:  # Parts in parts in parts, a thousand deep.
        return BytesHeaderParser(policy=compat32).parsebytes(content)


def _decoded(value: str) -> str:
    """A header's text, its encoded words read; as it came when they can't be."""
    readable = _printable(value)
    return _tried(lambda: _printable(str(make_header(decode_header(readable))))) or readable


def _body(parsed: Parsed, kind: str) -> str | None:
    for part in parsed.walk():
        if part.get_content_type() == kind and not part.get_filename():
            return _tried(partial(_text, part))
    return None


def _text(part: Parsed) -> str:
    payload = part.get_payload(decode=True)
    content = payload if isinstance(payload, bytes) else b""
    charset = part.get_content_charset() or "utf-8"
    try:
        return _printable(content.decode(charset, errors="replace"))
    except LookupError:
        return _printable(content.decode(errors="replace"))


def _printable(value: str) -> str:
    """Lone surrogates, which stand for bytes that were no text, would break every encoder."""
    try:
        return value.encode(errors="surrogateescape").decode(errors="replace")
    except UnicodeEncodeError:
        return value.encode(errors="replace").decode()


def _tried(reading: Callable[[], str]) -> str | None:
    try:
        return reading()
    except Exception:
        return None
