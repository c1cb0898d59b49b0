"""How the contract's data looks in JSON and to people: times in UTC, ids and words as strings."""

from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID


def jsonable(value: Any) -> Any:
    """Dataclasses become objects; everything else what `json.dumps` can write."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: jsonable(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, UUID):
        return str(value)
    return value.value if isinstance(value, StrEnum) else value


def rfc3339(moment: datetime) -> str:
    """An aware time in UTC with a `Z`, microseconds kept."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def in_words(length: timedelta) -> str:
    """A length of time for people: `5 minutes`, `1 day 2 hours`."""
    left = round(length.total_seconds())
    parts = []
    for name, size in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {name}" + ("s" if count > 1 else ""))
    return " ".join(parts) or "0 seconds"
