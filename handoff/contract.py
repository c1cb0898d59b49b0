"""The words of the domain as data: what crosses Temporal, Redis, PostgreSQL and HTTP.

Frozen dataclasses and enums only, standard library only. Decisions live in `rules`.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class Role(StrEnum):
    """What a person may do. Viewers read; everybody else is engineer or more ("engineer+")."""

    OWNER = "owner"
    ADMIN = "admin"
    ENGINEER = "engineer"
    VIEWER = "viewer"


class TokenScope(StrEnum):
    """What a program may do with its API token. Never a command, and never what admins do."""

    SESSIONS_READ = "sessions:read"
    SESSIONS_WRITE = "sessions:write"
    HANDOFFS_CREATE = "handoffs:create"
    HANDOFFS_READ = "handoffs:read"
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


class Outcome(StrEnum):
    """How a claimed handoff ended."""

    FIXED = "fixed"
    WORKAROUND = "workaround"
    NEEDS_CUSTOMER = "needs_customer"
    DUPLICATE = "duplicate"
    NOT_REPRODUCIBLE = "not_reproducible"
    OTHER = "other"


class Channel(StrEnum):
    """The two paths that carry an escalation."""

    EMAIL = "email"
    PUSH = "push"


class DeliveryState(StrEnum):
    """What happened to one message to one person."""

    QUEUED = "queued"  # recorded, nothing tried yet
    SENDING = "sending"  # its content is being handed to the mail server
    SENT = "sent"  # the mail server took responsibility; not "delivered"
    RETRYING = "retrying"  # a temporary failure; it will be tried again
    FAILED = "failed"  # permanent for this recipient
    AMBIGUOUS = "ambiguous"  # the answer was lost after DATA; tried again, same Message-ID
    SKIPPED = "skipped"  # deliberately not sent; the reason says why
    PUBLISHED = "published"  # push: Redis took it
    SEEN = "seen"  # push: a live client of that user acknowledged it


RETRIED = (DeliveryState.RETRYING, DeliveryState.AMBIGUOUS)
"""An attempt at a mail in one of these states has come to nothing certain: another one follows."""

UNSETTLED = (
    DeliveryState.QUEUED,
    DeliveryState.SENDING,
    *RETRIED,
)
"""A mail in one of these states still has something to happen to it."""


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
    REMINDED = "reminded"
    EXPIRED = "expired"
    DELIVERY_FAILED = "delivery_failed"


@dataclass(frozen=True, slots=True)
class Person:
    """A user as others of the account see them."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class Actor:
    """The user on whose behalf something is done, as the database knows them at this moment."""

    id: UUID
    account_id: UUID
    name: str
    email: str
    role: Role
    team_id: UUID | None
    token_id: UUID | None = None
    """The API token by which a program acts as this user."""


class TargetKind(StrEnum):
    """How a policy's level names people."""

    ACCOUNT = "account"
    ROLE = "role"
    TEAM = "team"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Target:
    """Some people of the account: all of them, a role, a team, or one user by id."""

    kind: TargetKind
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Level:
    """One step of a policy: whom to tell, how, how long to wait (seconds), how often in all."""

    targets: tuple[Target, ...]
    channels: tuple[Channel, ...]
    waits: dict[Priority, float]
    repeat: int


@dataclass(frozen=True, slots=True)
class Policy:
    """An account's levels. Durations in seconds; `claim_lease` None means no lease."""

    levels: tuple[Level, ...]
    accept_window: float = 600.0
    claim_lease: float | None = None
    email_delay: float = 0.0

    @property
    def rounds_total(self) -> int:
        """How many rounds there are in all."""
        return sum(level.repeat for level in self.levels)


@dataclass(frozen=True, slots=True)
class Record:
    """A handoff as PostgreSQL has it: what rules decide on. Times are aware UTC.

    The defaults are those of a new one.
    """

    id: UUID
    session_id: UUID
    session_title: str
    account_id: UUID
    team_id: UUID | None
    intent: Intent
    priority: Priority
    status: HandoffStatus
    engineer_notes: str | None
    context: dict[str, Any] | None
    escalator: Person
    created_at: datetime
    policy: Policy
    rounds_total: int
    level: int = 0
    level_round: int = 0
    round: int = 0
    claimed_by: Person | None = None
    claimed_at: datetime | None = None
    first_claimed_at: datetime | None = None
    first_claimed_by_id: UUID | None = None
    first_claimed_round: int | None = None
    deadline_at: datetime | None = None
    exhausted_at: datetime | None = None
    expires_at: datetime | None = None
    snoozed_until: datetime | None = None
    remind_at: datetime | None = None
    reminded_at: datetime | None = None
    transfer_to: Person | None = None
    transfer_until: datetime | None = None
    lease_until: datetime | None = None
    lease_reminded_at: datetime | None = None
    last_actor_id: UUID | None = None
    last_act: str | None = None
    outcome: Outcome | None = None
    resolution_note: str | None = None
    resolved_at: datetime | None = None
    version: int = 1


class StepKind(StrEnum):
    """What the engine carries out next for a handoff, once its time has come."""

    START_ROUND = "start_round"
    SKIP_LEVEL = "skip_level"  # every mail of the round failed for good
    EXHAUST = "exhaust"
    EXPIRE = "expire"
    REMIND_PARKER = "remind_parker"
    LAPSE_TRANSFER = "lapse_transfer"
    REMIND_CLAIMER = "remind_claimer"
    END_LEASE = "end_lease"


@dataclass(frozen=True, slots=True)
class Step:
    """One timed step: what, and not before when."""

    kind: StepKind
    at: datetime


@dataclass(frozen=True, slots=True)
class NextAction:
    """What happens next, when and to whom, in words that a person can read."""

    action: str
    at: datetime | None
    to: str | None
    round: int | None


@dataclass(frozen=True, slots=True)
class HandoffView:
    """A handoff as HTTP and live events show it."""

    id: UUID
    session_id: UUID
    session_title: str
    account_id: UUID
    team_id: UUID | None
    intent: Intent
    priority: Priority
    status: HandoffStatus
    engineer_notes: str | None
    context: dict[str, Any] | None
    escalator: Person
    claimed_by: Person | None
    claimed_at: datetime | None
    created_at: datetime
    round: int
    rounds_total: int
    deadline_at: datetime | None
    exhausted_at: datetime | None
    expires_at: datetime | None
    snoozed_until: datetime | None
    remind_at: datetime | None
    transfer_to: Person | None
    transfer_until: datetime | None
    next_action: NextAction | None
    outcome: Outcome | None
    resolution_note: str | None
    resolved_at: datetime | None
    version: int


# What crosses Temporal: one dataclass in, one out.


@dataclass(frozen=True, slots=True)
class NewHandoff:
    """What must be recorded: the first activity's input. Holds the engineer's own text."""

    id: UUID
    session_id: UUID
    account_id: UUID
    escalator_id: UUID
    intent: Intent
    priority: Priority
    engineer_notes: str | None
    context: dict[str, Any] | None
    created_at: datetime
    remind_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class HandoffStart:
    """The workflow's input. Without `new`, the record exists and is carried on with."""

    account_id: UUID
    handoff_id: UUID
    new: NewHandoff | None = None


class Verdict(StrEnum):
    """What the record said to a new handoff."""

    RECORDED = "recorded"
    NOT_HOLDER = "not_holder"
    FORBIDDEN = "forbidden"
    ALREADY_OPEN = "already_open"
    ACCEPTED = "accepted"  # another one was accepted, and waits for a worker to record it
    SESSION_CLOSED = "session_closed"


@dataclass(frozen=True, slots=True)
class HandoffRef:
    """Names one handoff."""

    account_id: UUID
    handoff_id: UUID


@dataclass(frozen=True, slots=True)
class MailBatch:
    """Some mails of one event of a handoff, sent by one activity."""

    account_id: UUID
    handoff_id: UUID
    event_number: int
    batch: int
    count: int = 1


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The record as the workflow needs it: what is due, and what is still to be told."""

    version: int
    status: HandoffStatus
    priority: Priority
    round: int
    rounds_total: int
    claimed_by_id: UUID | None
    step: Step | None
    mail: tuple[MailBatch, ...]
    unpublished: bool


@dataclass(frozen=True, slots=True)
class Recorded:
    """The record's answer to a new handoff.

    `other_id` is the handoff that is in its way; `first` what a new one looks like, so that the
    engine need not look again before it goes on.
    """

    verdict: Verdict
    other_id: UUID | None = None
    first: Snapshot | None = None


@dataclass(frozen=True, slots=True)
class StepOrder:
    """Asks for one step on the version that the workflow saw. `now` is the workflow's clock."""

    account_id: UUID
    handoff_id: UUID
    kind: StepKind
    version: int
    now: datetime


@dataclass(frozen=True, slots=True)
class Envelope:
    """A live event: CloudEvents 1.0, JSON. `id` is the account's event number."""

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    data: dict[str, Any]
    specversion: str = "1.0"
    datacontenttype: str = "application/json"


# A test notification: the way of a real one, for one person who asked for it.


@dataclass(frozen=True, slots=True)
class Trial:
    """The workflow's input."""

    id: UUID
    account_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of one channel's message. `temporary`: a real one would be tried again."""

    state: DeliveryState
    code: int | None = None
    cause: str | None = None
    temporary: bool = False


@dataclass(frozen=True, slots=True)
class TrialResult:
    """What became of both."""

    email: Tried
    push: Tried
