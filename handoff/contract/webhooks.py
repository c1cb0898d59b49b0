"""What crosses Temporal about webhooks: ids and outcomes, never an address or a secret."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

FOLLOW, TRY_OUT, LEADING, TELL, TOLD = (
    "follow_webhook",
    "try_webhook",
    "leading_of_webhook",
    "tell_of_webhook",
    "told_of_webhook",
)
"""The activities' names: workflows ask for them without loading what they work with."""


RESTS_AFTER_FAULT = 60.0
"""Seconds until a follower that stumbled tries again."""


@dataclass(frozen=True, slots=True)
class Following:
    """A follower's input: whose events, and for which endpoint.

    `takeover`: seconds without a sign of life after which another worker goes on.
    """

    account_id: UUID
    webhook_id: UUID
    takeover: float = 5.0


@dataclass(frozen=True, slots=True)
class Turn:
    """How one turn at following ended.

    `pause`: seconds until the next one. `is_over`: there is nobody to follow for any more.
    `disabled_at`: it was disabled then, and admins have yet to hear of it.
    """

    pause: float = 0.0
    is_over: bool = False
    disabled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class WebhookTried:
    """What became of a test: whether it was taken, how it was answered, in how long."""

    taken: bool
    code: int | None
    cause: str
    took_ms: int


@dataclass(frozen=True, slots=True)
class Disabled:
    """That an endpoint was disabled at that time; it may have been enabled since."""

    account_id: UUID
    webhook_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class AdminNotice:
    """One admin is to hear that an endpoint was disabled. `id` is the same at every attempt."""

    id: str
    account_id: UUID
    webhook_id: UUID
    user_id: UUID
