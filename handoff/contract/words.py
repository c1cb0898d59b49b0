"""The words of the domain: what may be said of roles, states, commands, events and deliveries.

Enums only, standard library only. Decisions live in `rules`.
"""

from enum import StrEnum


class Role(StrEnum):
    """What a person may do. Viewers read; everybody else is engineer or more ("engineer+")."""

    OWNER = "owner"
    ADMIN = "admin"
    ENGINEER = "engineer"
    VIEWER = "viewer"


class UserKind(StrEnum):
    """Somebody, or a program's own user: nobody signs in as one, and it is never told anything."""

    PERSON = "person"
    SERVICE = "service"


class SubjectKind(StrEnum):
    """What a sign-in is known by. Only the operator's import writes the last two."""

    SUBJECT = "subject"  # the provider's own name for somebody
    ID = "id"  # our user id, which the provider gives as its subject
    EMAIL = "email"  # the address that the operator has vouched for


class BoundBy(StrEnum):
    """Whose word a sign-in rests on: the operator's, the account's directory's, or the person's."""

    IMPORT = "import"
    SCIM = "scim"
    PERSON = "person"


class TokenScope(StrEnum):
    """What a program may do with its API token. Never a command, and never what admins do."""

    SESSIONS_READ = "sessions:read"
    SESSIONS_WRITE = "sessions:write"
    HANDOFFS_CREATE = "handoffs:create"
    HANDOFFS_READ = "handoffs:read"
    HANDOFFS_NOTE = "handoffs:note"
    EVENTS_READ = "events:read"
    SCIM = "scim"  # provisioning: the one scope that changes people, for a token of an admin's


class SessionStatus(StrEnum):
    """Where an AI session stands."""

    ACTIVE = "active"
    PARKED = "parked"
    ESCALATED = "escalated"
    CLOSED = "closed"


class Intent(StrEnum):
    """What the engineer wants: someone senior now, or to put it down for a while."""

    ESCALATE = "escalate"
    PARK = "park"


class Priority(StrEnum):
    """How loud. The order of the queue, `urgent` first."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"

    @property
    def urgency(self) -> int:
        """How urgent it is, from 0; the most urgent comes first."""
        return list(Priority).index(self)


class HandoffStatus(StrEnum):
    """The state of the record."""

    PARKED = "parked"
    OPEN = "open"
    CLAIMED = "claimed"
    RESOLVED = "resolved"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


LIVING = (HandoffStatus.PARKED, HandoffStatus.OPEN, HandoffStatus.CLAIMED)
"""A session has at most one handoff in these states. Indexes are made for them."""

FINAL = frozenset({HandoffStatus.RESOLVED, HandoffStatus.CANCELLED, HandoffStatus.EXPIRED})
"""Nothing reopens these."""


class Command(StrEnum):
    """What people may do to a handoff. On HTTP the last segment of its path."""

    CLAIM = "claim"
    RELEASE = "release"
    RESOLVE = "resolve"
    CANCEL = "cancel"
    PROMOTE = "promote"
    ESCALATE_NOW = "escalate-now"
    SNOOZE = "snooze"
    TRANSFER = "transfer"
    CALL = "call"
    CHANGE = "change"


class Content(StrEnum):
    """How much of a handoff leaves by a channel."""

    FULL = "full"
    TITLE = "title"  # no text but the title: neither notes nor what was said or answered
    LINK = "link"  # only that something waits, and where


class Outcome(StrEnum):
    """How a claimed handoff ended."""

    FIXED = "fixed"
    WORKAROUND = "workaround"
    NEEDS_CUSTOMER = "needs_customer"
    DUPLICATE = "duplicate"
    NOT_REPRODUCIBLE = "not_reproducible"
    OTHER = "other"


class DeliveryState(StrEnum):
    """What happened to one message to one destination."""

    QUEUED = "queued"  # recorded, nothing tried yet
    SENDING = "sending"  # its content is being handed over
    SENT = "sent"  # the other side took responsibility; not "delivered"
    RETRYING = "retrying"  # a temporary failure; it will be tried again
    FAILED = "failed"  # permanent for this destination
    AMBIGUOUS = "ambiguous"  # the answer was lost; tried again, under the same name
    SKIPPED = "skipped"  # deliberately not sent; the reason says why
    PUBLISHED = "published"  # push: Redis took it
    SEEN = "seen"  # push: a live client of that user acknowledged it


RETRIED = (DeliveryState.RETRYING, DeliveryState.AMBIGUOUS)
"""An attempt at a message has come to nothing certain: another one follows."""

UNSETTLED = (
    DeliveryState.QUEUED,
    DeliveryState.SENDING,
    *RETRIED,
)
"""A message in one of these states still has something to happen to it."""


class SkipReason(StrEnum):
    """Why a message was deliberately not sent."""

    CLAIMED = "claimed"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    NO_LONGER_ELIGIBLE = "no_longer_eligible"
    OPTED_OUT = "opted_out"


class EventType(StrEnum):
    """One line of the append-only history. On the wire: `handoff.<value>`."""

    CREATED = "created"
    PARKED = "parked"
    NOTIFIED = "notified"
    RE_ESCALATED = "re_escalated"
    NO_RECIPIENTS = "no_recipients"
    EXHAUSTED = "exhausted"
    CLAIMED = "claimed"
    RELEASED = "released"
    RESOLVED = "resolved"
    CANCELLED = "cancelled"
    PROMOTED = "promoted"
    HURRIED = "hurried"  # escalate-now: the present wait was ended
    SNOOZED = "snoozed"
    TRANSFERRED = "transferred"
    NOTED = "noted"
    CALLED = "called"  # one named person, outside of the rounds
    CHANGED = "changed"
    REMINDED = "reminded"
    EXPIRED = "expired"
    DELIVERY_FAILED = "delivery_failed"


class TargetKind(StrEnum):
    """How a policy's level names people."""

    ACCOUNT = "account"
    ROLE = "role"
    TEAM = "team"
    USER = "user"


class StepKind(StrEnum):
    """What the engine carries out next for a handoff, once its time has come."""

    START_ROUND = "start_round"
    SKIP_LEVEL = "skip_level"  # nobody of the round is reached, and nobody still may be
    EXHAUST = "exhaust"
    EXPIRE = "expire"
    REMIND_PARKER = "remind_parker"
    LAPSE_TRANSFER = "lapse_transfer"
    REMIND_CLAIMER = "remind_claimer"
    END_LEASE = "end_lease"


class Verdict(StrEnum):
    """What the record said to a new handoff."""

    RECORDED = "recorded"
    NOT_HOLDER = "not_holder"
    FORBIDDEN = "forbidden"
    ALREADY_OPEN = "already_open"
    ACCEPTED = "accepted"  # another one was accepted, and waits for a worker to record it
    SESSION_CLOSED = "session_closed"
