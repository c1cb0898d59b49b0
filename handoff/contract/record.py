"""A handoff as PostgreSQL has it, what the clock does to it next, and as people see it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from handoff.contract.people import Person
from handoff.contract.policy import Policy
from handoff.contract.words import HandoffStatus, Intent, Outcome, Priority, StepKind


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
    team_name: str | None = None
    escalated_at: datetime | None = None
    """When parked work became an escalation; None of one that was one from the start."""
    level: int = 0
    level_round: int = 0
    round: int = 0
    claimed_by: Person | None = None
    claimed_at: datetime | None = None
    before_claim: dict[str, Any] | None = None
    """What the claim has changed, as it was: for whoever takes it back at once."""
    first_claimed_at: datetime | None = None
    first_claimed_by_id: UUID | None = None
    first_claimed_round: int | None = None
    first_claimed_level: int | None = None
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
    note_count: int = 0
    """Notes that were written in its conversation."""
    call_count: int = 0
    """People who were called by name."""
    version: int = 1


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
