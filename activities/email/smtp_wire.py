"""How an address and a message look on the wire. No connection, no verdicts."""

import copy
import re
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8

from handoff.mailboxes import in_ascii

_ADDRESSED = ("From", "Sender", "Reply-To", "To", "Cc")


def is_international(*envelope: str) -> bool:
    """Whether an address needs SMTPUTF8; a letter's headers name no others than its envelope.

    Names and subjects do not: they are encoded words.
    """
    return not all(address.isascii() for address in envelope)


def with_ascii_domains(message: EmailMessage) -> EmailMessage:
    """The same letter for a server without SMTPUTF8, which knows a domain by its ASCII form."""
    headers = {name: str(message.get(name, "")) for name in _ADDRESSED}
    if all(value.isascii() for value in headers.values()):
        return message
    plain = copy.deepcopy(message)
    for name, value in headers.items():
        before, bracket, address = value.rpartition("<")
        if (changed := in_ascii(address.rstrip("> "))) != address.rstrip("> "):
            plain.replace_header(name, f"{before}<{changed}>" if bracket else changed)
    return plain


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
