"""What HTTP takes and gives, beside the contract's own views. Unknown fields are refused."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    model_validator,
)

from handoff.contract import Intent, Outcome, Person, Priority, SessionStatus

NOTES_BYTES = 16 * 1024
CONTEXT_BYTES = 32 * 1024
CONTEXT_DEPTH = 32
TITLE_CHARACTERS = 200


def _storable(value: str) -> str:
    """PostgreSQL stores no NUL, and UTF-8 knows no lone surrogates."""
    if "\x00" in value:
        raise ValueError("must not contain NUL")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("must not contain lone surrogates") from None
    return value


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be blank")
    return value


def _within_notes(value: str) -> str:
    if len(value.encode()) > NOTES_BYTES:
        raise ValueError(f"must be at most {NOTES_BYTES} bytes of UTF-8")
    return value


def _storable_object(value: dict[str, Any]) -> dict[str, Any]:
    _walk(value, depth=1)
    compact = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if len(compact.encode()) > CONTEXT_BYTES:
        raise ValueError(f"must be at most {CONTEXT_BYTES} bytes of JSON")
    return value


def _walk(value: Any, depth: int) -> None:
    if depth > CONTEXT_DEPTH:
        raise ValueError(f"must not be nested deeper than {CONTEXT_DEPTH}")
    if isinstance(value, str):
        _storable(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            _storable(key)
            _walk(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _walk(item, depth + 1)


Text = Annotated[str, AfterValidator(_storable)]
Title = Annotated[
    Text,
    Field(min_length=1, max_length=TITLE_CHARACTERS),
    AfterValidator(_not_blank),
]
Notes = Annotated[Text, Field(max_length=NOTES_BYTES), AfterValidator(_within_notes)]
Reason = Annotated[Text, Field(max_length=2000)]
Context = Annotated[dict[str, JsonValue], AfterValidator(_storable_object)]
"""A JSON object of the caller's own shape, at most 32 KiB."""


def _within_reach(moment: datetime) -> datetime:
    """Times are added to it, and calendars end."""
    if not 2000 <= moment.year < 3000:
        raise ValueError("must lie in the years 2000 to 2999")
    return moment.astimezone(UTC)


def _ahead(moment: datetime) -> datetime:
    if moment <= datetime.now(UTC):
        raise ValueError("must be in the future")
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_within_reach)]
"""A time, in UTC."""

Ahead = Annotated[Moment, AfterValidator(_ahead)]
"""A time to come."""


class Body(BaseModel):
    """A request body: what it does not name is refused."""

    model_config = ConfigDict(extra="forbid")


class NewSession(Body):
    """An AI session to be followed; the caller holds it."""

    title: Title
    context: Context | None = None
    team_id: UUID | None = None


class HandOff(Body):
    """Escalate the session, or park it."""

    intent: Intent
    engineer_notes: Notes | None = None
    priority: Priority = Priority.NORMAL
    context: Context | None = None
    remind_at: Ahead | None = Field(
        default=None, description="When a parked handoff reminds its parker, and nobody else"
    )

    @model_validator(mode="after")
    def _only_the_parked_remind(self) -> "HandOff":
        if self.remind_at is not None and self.intent is not Intent.PARK:
            raise ValueError("remind_at goes with the intent to park")
        return self


class Accepted(BaseModel):
    """A handoff that the engine has, and that no worker has recorded yet."""

    id: UUID
    session_id: UUID
    status: Literal["accepted"] = "accepted"


class Nothing(Body):
    """A command that needs no words. An empty object may be sent all the same."""


class Release(Body):
    """Give it back to the queue."""

    reason: Reason | None = None


class Resolve(Body):
    """How it ended."""

    outcome: Outcome
    note: Notes | None = None


class Cancel(Body):
    """Take it back."""

    reason: Reason | None = None


class EscalateNow(Body):
    """End the present wait, unless the round that the caller saw has passed."""

    round: int = Field(ge=0, le=2**31 - 1, strict=True)


class Snooze(Body):
    """Pause until a time."""

    until: Moment


class Transfer(Body):
    """Hand it to a named person."""

    to: UUID


class SessionView(BaseModel):
    """An AI session."""

    id: UUID
    account_id: UUID
    team_id: UUID | None
    title: str
    context: dict[str, Any] | None
    holder: Person
    status: SessionStatus
    created_at: datetime


class Recipient(BaseModel):
    """Who a message is for. The address only for admins and owners."""

    id: UUID
    name: str
    email: str | None = None


class Attempt(BaseModel):
    """One try at one message."""

    at: datetime
    outcome: str
    code: int | None
    cause: str | None = None


class DeliveryView(BaseModel):
    """What happened to one message."""

    recipient: Recipient
    channel: str
    round: int
    event: str
    state: str
    reason: str | None
    message_id: str | None
    attempts: list[Attempt]


class Problem(BaseModel):
    """RFC 9457. More members say the facts that a client needs."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
