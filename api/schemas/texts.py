"""Texts, objects and times as HTTP takes them, within bounds.

A `Body` refuses what it does not name.
"""

import json
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    WithJsonSchema,
)

from handoff.rules.files import MOST_FILES

NOTES_BYTES = 64 * 1024


SAID_BYTES = 16 * 1024


CONTEXT_BYTES = 32 * 1024


CONTEXT_DEPTH = 32


TITLE_CHARACTERS = 200


def storable(value: str) -> str:
    """PostgreSQL stores no NUL, and UTF-8 knows no lone surrogates."""
    if "\x00" in value:
        raise ValueError("must not contain NUL")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("must not contain lone surrogates") from None
    return value


def not_blank(value: str) -> str:
    """What says something, as it is."""
    if not value.strip():
        raise ValueError("must not be blank")
    return value


def _within(most: int) -> AfterValidator:
    """So many bytes of UTF-8, and no schema counts those; in characters it is never more."""

    def check(value: str) -> str:
        size = len(value.encode())
        if size > most:
            raise ValueError(f"may have {most:,} bytes; these have {size:,}")
        return value

    return AfterValidator(check)


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
        storable(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            storable(key)
            _walk(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _walk(item, depth + 1)


_NO_NUL = "^[^\\u0000]*$"


Text = Annotated[
    str,
    AfterValidator(storable),
    Field(json_schema_extra={"pattern": _NO_NUL}),
]


Title = Annotated[
    Text,
    Field(min_length=1, max_length=TITLE_CHARACTERS),
    AfterValidator(not_blank),
]


def _at_most(characters: int) -> Any:
    return WithJsonSchema({"type": "string", "maxLength": characters, "pattern": _NO_NUL})


Notes = Annotated[Text, _within(NOTES_BYTES), _at_most(NOTES_BYTES)]


Said = Annotated[Text, _within(SAID_BYTES), _at_most(SAID_BYTES)]
"""What is said of a handoff while it lives, and how it ended."""


Reason = Annotated[Text, Field(max_length=2000)]


Context = Annotated[dict[str, JsonValue], AfterValidator(_storable_object)]
"""A JSON object of the caller's own shape, at most 32 KiB."""


def _whole(value: Any) -> Any:
    """To JSON, 3.0 is the integer 3."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
"""For an integer that is strict: no text or truth can be read as one."""


def _within_reach(moment: datetime) -> datetime:
    """Times are added to it, and calendars end."""
    if not 2000 <= moment.year < 3000:
        raise ValueError("must lie in the years 2000 to 2999")
    return moment.astimezone(UTC)


Moment = Annotated[
    AwareDatetime,
    AfterValidator(_within_reach),
    Field(json_schema_extra={"pattern": "^2[0-9]{3}-"}),
]
"""A time, in UTC. Whether it lies ahead the record decides, by PostgreSQL's clock."""


FileIds = Annotated[
    list[UUID],
    Field(max_length=MOST_FILES, description="Ids of files that were added to its session"),
]


class Body(BaseModel):
    """A request body: what it does not name is refused."""

    model_config = ConfigDict(extra="forbid")
