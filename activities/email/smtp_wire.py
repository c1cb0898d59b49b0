"""How an address and a message look on the wire. No connection, no verdicts."""

import re
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8

# RFC 5321's mailbox, with RFC 6531's letters; lengths are checked apart.
_ATOM = r"""[^\s\x00-\x1f\x7f-\x9f"(),.:;<>@\[\\\]]+"""
_QUOTED = r'''"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\[\x20-\x7e])*"'''
_LABEL = r"\w(?:[\w-]*\w)?"
_ADDRESS = re.compile(
    rf"(?P<local>{_ATOM}(?:\.{_ATOM})*|{_QUOTED})@"
    rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Za-z.:]+\])"
)


def is_address(text: str) -> bool:
    """Whether a mail server could be given this as a mailbox at all."""
    if len(text) > 254 or not text.isprintable():
        return False
    match = _ADDRESS.fullmatch(text)
    return match is not None and len(text.encode()) <= 254 and len(match["local"].encode()) <= 64


def is_international(*envelope: str) -> bool:
    """Whether an address needs SMTPUTF8; a letter's headers name no others than its envelope.

    Names and subjects do not: they are encoded words.
    """
    return not all(address.isascii() for address in envelope)


def wire_content(message: EmailMessage, international: bool) -> bytes:
    """The message as it goes over the wire: CRLF, seven bits, dots stuffed, the final dot."""
    policy = (SMTPUTF8 if international else SMTP).clone(cte_type="7bit")
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", message.as_bytes(policy=policy))
    if not lines.endswith(b"\r\n"):
        lines += b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", lines) + b".\r\n"


def path(address: str) -> bytes:
    """A mailbox as MAIL and RCPT want it."""
    return b"<" + address.encode() + b">"
