"""What an attempt to hand over a mail came to: a verdict for every answer, and for none.

Pure decisions. No connection, no library, no recipient's name.
"""

import re
import socket
import ssl
from enum import IntEnum
from typing import NamedTuple

from activities.sender import SendOutcome
from handoff.contract.words import DeliveryState
from handoff.rules.causes import Cause

_LOGIN_WANTED = (530, 534, 535, 538)
_OUT_OF_ORDER = 503
_OWN_RULE = re.compile(r"\s*5\.7\.\d{1,3}\b|.*\brelay(?:ing|ed)?\b", re.IGNORECASE | re.DOTALL)
"""RFC 3463: 5.7.x is security or policy. Servers without such codes say that they do not relay."""


class Reply(NamedTuple):
    """What a server answered. The text is read for whose fault it is, and kept nowhere."""

    code: int
    text: str = ""


class Stage(IntEnum):
    """How far a conversation has come."""

    CONNECT = 0
    TLS = 1
    LOGIN = 2
    MAIL = 3
    RECIPIENT = 4
    DATA = 5
    CONTENT = 6


def accepted(code: int) -> SendOutcome:
    """The server took responsibility."""
    return SendOutcome(DeliveryState.SENT, code, Cause.ACCEPTED)


def verdict(stage: Stage, reply: Reply) -> SendOutcome:
    """What a code other than the hoped-for one means at this stage.

    RFC 5321, 4.2.1: 4xx is for now, 5xx for good. Anything else is no answer to what was said.
    """
    if not 400 <= reply.code < 600:
        return SendOutcome(_lost(stage), None, Cause.CONNECTION)
    cause, for_good = _refusal(stage, reply)
    state = DeliveryState.FAILED if for_good else DeliveryState.RETRYING
    return SendOutcome(state, reply.code, cause)


def _refusal(stage: Stage, reply: Reply) -> tuple[Cause, bool]:
    """Why, and whether it is for good. Only the recipient or the message can be so refused."""
    code = reply.code
    if code == 421:
        return Cause.SERVER_BUSY, False
    if stage is Stage.LOGIN or code in _LOGIN_WANTED:
        return Cause.AUTH, False
    if stage is Stage.TLS:
        return Cause.TLS, False
    if code < 500:
        recipients = stage is Stage.RECIPIENT and code in (450, 452)
        return (Cause.MAILBOX_BUSY if recipients else Cause.SERVER_BUSY), False
    if stage is Stage.CONNECT or code == _OUT_OF_ORDER:
        return Cause.CONNECTION, False
    if stage is Stage.MAIL:
        return Cause.SENDER_REFUSED, False
    if _OWN_RULE.match(reply.text):
        return Cause.REFUSED_BY_POLICY, False
    if stage is Stage.RECIPIENT:
        return Cause.RECIPIENT_REFUSED, True
    return Cause.CONTENT_REFUSED, True


def trouble(stage: Stage, fault: Exception) -> SendOutcome:
    """What an exception at this stage means: no readable answer came."""
    return SendOutcome(_lost(stage), None, _trouble_cause(stage, fault))


def _trouble_cause(stage: Stage, fault: Exception) -> Cause:
    if isinstance(fault, TimeoutError):
        return Cause.CONNECT_TIMEOUT if stage < Stage.MAIL else Cause.TIMEOUT
    origins = (fault, fault.__cause__)
    if any(isinstance(origin, ssl.SSLError) for origin in origins):
        return Cause.TLS
    # A host name that cannot even be encoded is a name that does not resolve.
    if any(isinstance(origin, socket.gaierror | UnicodeError) for origin in origins):
        return Cause.DNS
    if stage is Stage.TLS:
        return Cause.TLS
    if stage is Stage.LOGIN and not isinstance(fault, OSError):
        return Cause.AUTH
    return Cause.CONNECTION


def _lost(stage: Stage) -> DeliveryState:
    """Without an answer to the content nobody knows whether the server took it."""
    return DeliveryState.AMBIGUOUS if stage is Stage.CONTENT else DeliveryState.RETRYING
