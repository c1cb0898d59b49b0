"""Why a message could not be handed over, in stable words, and whose fault that is."""

from enum import StrEnum


class Cause(StrEnum):
    """Why an attempt ended as it did. For records, readiness and metrics."""

    ACCEPTED = "accepted"
    RECIPIENT_REFUSED = "recipient_refused"
    SENDER_REFUSED = "sender_refused"
    CONTENT_REFUSED = "content_refused"
    MAILBOX_BUSY = "mailbox_busy"
    SERVER_BUSY = "server_busy"
    TIMEOUT = "timeout"  # in the middle of this message
    CONNECT_TIMEOUT = "connect_timeout"  # before the conversation came to this message
    CONNECTION = "connection"
    DNS = "dns"
    AUTH = "auth"
    TLS = "tls"
    INVALID_ADDRESS = "invalid_address"
    GAVE_UP = "gave_up"  # temporary failures for longer than the channel's patience


SYSTEM_FAULTS = frozenset(
    {
        Cause.AUTH,
        Cause.TLS,
        Cause.DNS,
        Cause.CONNECTION,
        Cause.CONNECT_TIMEOUT,
        Cause.SENDER_REFUSED,
    }
)
"""Ours or the other system's fault, so every recipient's; nothing about this one."""
