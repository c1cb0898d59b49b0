"""What crosses Temporal, Redis and HTTP: one dataclass in, one out. Standard library only."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from handoff.contract.people import Person
from handoff.contract.record import Step
from handoff.contract.words import (
    DeliveryState,
    HandoffStatus,
    Intent,
    Outcome,
    Priority,
    StepKind,
    Verdict,
)


@dataclass(frozen=True, slots=True)
class SealedCallback:
    """Where a program wants to hear of the end, as the key ring has sealed it; and its host."""

    host: str
    sealed: str


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
    token_id: UUID | None = None
    """The API token by which a program asked for it, in the escalator's name."""
    files: tuple[UUID, ...] = ()
    """Files of the session that go with the notes: their ids, and never what is in them."""
    callback: SealedCallback | None = None


@dataclass(frozen=True, slots=True)
class HandoffStart:
    """The workflow's input. Without `new`, the record exists and is carried on with."""

    account_id: UUID
    handoff_id: UUID
    new: NewHandoff | None = None


@dataclass(frozen=True, slots=True)
class HandoffRef:
    """Names one handoff."""

    account_id: UUID
    handoff_id: UUID


@dataclass(frozen=True, slots=True)
class Batch:
    """What one activity owes to the destinations of one channel.

    Messages that leave one by one are those of one event, `count` of them. What is rung is owed
    as a whole: everything that Redis has not taken, with neither event nor batch.
    """

    account_id: UUID
    handoff_id: UUID
    channel: str
    event_number: int = 0
    batch: int = 0
    count: int = 1

    @property
    def key(self) -> tuple[str, int, int]:
        """What tells it from the other batches of its handoff."""
        return self.channel, self.event_number, self.batch


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The record as the workflow needs it: what is due, and what is still to be told."""

    version: int
    status: HandoffStatus
    priority: Priority
    round: int
    rounds_total: int
    claimed_by: Person | None
    outcome: Outcome | None
    step: Step | None
    owed: tuple[Batch, ...]


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
class Ended:
    """What became of a handoff: the result of its workflow.

    `status` is None where there is no record: it was `refused`, or has been purged meanwhile.
    """

    status: HandoffStatus | None = None
    outcome: Outcome | None = None
    claimed_by: Person | None = None
    rounds: int = 0
    refused: Recorded | None = None


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
    """The workflow's input: who asked, and by which channels they want to be told."""

    id: UUID
    account_id: UUID
    user_id: UUID
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of one channel's message. `temporary`: a real one would be tried again."""

    state: DeliveryState
    code: int | None = None
    cause: str | None = None
    temporary: bool = False


@dataclass(frozen=True, slots=True)
class TrialStep:
    """One channel of a trial."""

    trial: Trial
    channel: str


TrialResult = dict[str, Tried]
"""What became of it, by channel."""
