"""Why a message could not be handed over, in stable words, and whose fault that is."""

from enum import StrEnum


class Cause(StrEnum):
    """Why an attempt ended as it did. For records, readiness and metrics."""

    ACCEPTED = "accepted"
    RECIPIENT_REFUSED = "recipient_refused"
    SENDER_REFUSED = "sender_refused"
    CONTENT_REFUSED = "content_refused"
    REFUSED_BY_POLICY = "refused_by_policy"  # the server's own rule, not this recipient's mailbox
    EVERYBODY_REFUSED = "everybody_refused"  # none of an event's recipients was accepted
    MAILBOX_BUSY = "mailbox_busy"
    SERVER_BUSY = "server_busy"
    TIMEOUT = "timeout"  # in the middle of this message
    CONNECT_TIMEOUT = "connect_timeout"  # before the conversation came to this message
    CONNECTION = "connection"
    DNS = "dns"
    AUTH = "auth"
    TLS = "tls"
    INVALID_ADDRESS = "invalid_address"
    NOT_CONNECTED = "not_connected"  # the account has not let us in there, or not any more
    EDIT_REFUSED = "edit_refused"  # what stands there cannot be changed
    ADDRESS_REFUSED = "address_refused"  # a program's address that leads to where none may be
    REDIRECTED = "redirected"  # a program that sends us elsewhere
    SLOW_DOWN = "slow_down"  # a program that asks for patience
    ERROR_ANSWER = "error_answer"  # a program that answers with anything else
    GONE = "gone"  # a program that wants nothing any more
    KEY_MISSING = "key_missing"  # its secret cannot be read: ours to mend
    GAVE_UP = "gave_up"  # temporary failures for longer than the channel's patience


SYSTEM_FAULTS = frozenset(
    {
        Cause.AUTH,
        Cause.TLS,
        Cause.DNS,
        Cause.CONNECTION,
        Cause.CONNECT_TIMEOUT,
        Cause.SENDER_REFUSED,
        Cause.REFUSED_BY_POLICY,
        Cause.EVERYBODY_REFUSED,
    }
)
"""Ours or the other system's fault, so every recipient's; nothing about this one."""

REFUSALS = frozenset({Cause.RECIPIENT_REFUSED, Cause.CONTENT_REFUSED})
"""For good, by one recipient's own fault, unless everybody is so refused."""
