"""What a number of the analytics counts, as the search's address says it: no field of the form
shows it, a sentence above the rows does. Whatever cannot be read there is as if it were not."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import Depends, Query

from handoff.contract.words import Intent, Outcome
from handoff.wire import rfc3339

MOST = 2000
Line = Annotated[str, Query(max_length=MOST)]

Word = TypeVar("Word", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Counted:
    """`since` and `until`: moments of its creation, the last one not included."""

    intent: Intent | None = None
    outcome: Outcome | None = None
    claimed_by: UUID | None = None
    claimed_first_by: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def said(self) -> dict[str, str]:
        """By the names that the address has for them; empty where nothing is asked for."""
        return {
            "intent": self.intent or "",
            "outcome": self.outcome or "",
            "claimed_by": str(self.claimed_by or ""),
            "claimed_first_by": str(self.claimed_first_by or ""),
            "since": rfc3339(self.since) if self.since else "",
            "until": rfc3339(self.until) if self.until else "",
        }

    @property
    def is_any(self) -> bool:
        """Whether anything of it is asked for."""
        return any(self.said.values())


async def _counted(
    intent: Line = "",
    outcome: Line = "",
    claimed_by: Line = "",
    claimed_first_by: Line = "",
    since: Line = "",
    until: Line = "",
) -> Counted:
    return Counted(
        intent=as_word(Intent, intent),
        outcome=as_word(Outcome, outcome),
        claimed_by=as_id(claimed_by),
        claimed_first_by=as_id(claimed_first_by),
        since=_moment(since),
        until=_moment(until),
    )


WhatIsCounted = Annotated[Counted, Depends(_counted)]


def as_word(kind: type[Word], said: str) -> Word | None:
    """One of these words, or none."""
    return kind(said) if said in set(kind) else None


def as_id(said: str) -> UUID | None:
    """An id, or none."""
    try:
        return UUID(said)
    except ValueError:
        return None


def _moment(said: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        return None
    known = moment.tzinfo is not None and 2000 <= moment.year < 3000
    return moment.astimezone(UTC) if known else None
