"""How the contract's data looks in JSON: RFC 3339 times in UTC, ids and words as strings."""

from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
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
