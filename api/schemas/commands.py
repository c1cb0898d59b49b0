"""What each command takes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic.json_schema import SkipJsonSchema

from api.schemas.texts import WHOLE, Body, FileIds, Moment, Reason, Said, Title, not_blank
from handoff.contract.people import Person
from handoff.contract.words import Outcome, Priority


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
    note: Said | None = None


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
    """Hand it to a named person, with a word along."""

    to: UUID
    text: Reason | None = None


class Call(Body):
    """Ask for one person by name, now."""

    to: UUID
    text: Reason | None = None


class Change(Body):
    """Set right what it is about. What is not named stays as it is."""

    priority: Priority | SkipJsonSchema[None] = None
    team_id: UUID | None = Field(default=None, description="null: no team's")
    title: Title | SkipJsonSchema[None] = None

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        named = self.named()
        if not named:
            raise ValueError("must name at least one of priority, team_id and title")
        if any(value is None for name, value in named.items() if name != "team_id"):
            raise ValueError("only team_id may be null")
        return self

    def named(self) -> dict[str, Any]:
        """What is to be set right, by its name."""
        return self.model_dump(include=set(Change.model_fields), exclude_unset=True)


class WriteNote(Body):
    """One more line of the conversation. Markdown is shown as such. Files may go without words."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"properties": {"text": {"minLength": 1}}, "required": ["text"]},
                {"properties": {"files": {"minItems": 1}}, "required": ["files"]},
            ]
        }
    )

    files: FileIds = Field(default_factory=list)
    text: Said = Field(default="", validate_default=True)

    @field_validator("text")
    @classmethod
    def _says_something(cls, text: str, info: ValidationInfo) -> str:
        if not info.data.get("files"):
            return not_blank(text)
        return text if text.strip() else ""


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file as an event tells of it, whatever becomes of it later. `size` in bytes."""

    id: UUID
    name: str
    size: int
    media_type: str


@dataclass(frozen=True, slots=True)
class NoteView:
    """A note as it was written. `number` is its event's."""

    number: int
    handoff_id: UUID
    by: Person
    at: datetime
    text: str
    files: list[AttachedFile]
