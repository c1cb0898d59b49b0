"""What each command takes."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.schemas.texts import WHOLE, Body, Moment, Notes, Reason
from handoff.contract.words import Outcome


class Nothing(Body):
    """A command that needs no words. An empty object may be sent all the same."""


class Release(Body):
    """Give it back to the queue."""

    reason: Reason | None = None
    undo: bool = Field(
        default=False,
        description="By the claimer, within 60 s of the claim: back as it was, round and deadline "
        "kept",
    )


class Resolve(Body):
    """How it ended."""

    outcome: Outcome
    note: Notes | None = None


class Cancel(Body):
    """Take it back."""

    reason: Reason | None = None


class EscalateNow(Body):
    """End the present wait, unless the round that the caller saw has passed."""

    round: Annotated[int, Field(strict=True, ge=0, le=2**31 - 1), WHOLE]


class Snooze(Body):
    """Pause until a time."""

    until: Moment


class Transfer(Body):
    """Hand it to a named person."""

    to: UUID
