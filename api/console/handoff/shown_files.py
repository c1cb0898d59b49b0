"""A session's files as the page shows them: what opens here, what is only offered for download."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from handoff.contract.people import Actor
from handoff.errors import Forbidden
from handoff.rules.files import in_bytes, must_remove

PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


@dataclass(frozen=True, slots=True)
class ShownFile:
    """One file. `kind`: picture, text or other. `by`: who added it, where that is told."""

    id: str
    path: str
    name: str
    size: str
    kind: str
    by: str | None = None
    may_remove: bool = False


def on_session(row: Any, reader: Actor, session_id: UUID) -> ShownFile:
    """One that is there; `row` as the record has it."""
    try:
        must_remove(row.added_by_id, reader)
    except Forbidden:
        may_remove = False
    else:
        may_remove = True
    return _shown(
        session_id,
        *(str(row.id), row.name, row.size, row.media_type),
        by=row.added_by_name,
        may_remove=may_remove,
    )


def of_event(told: dict[str, Any], session_id: UUID) -> ShownFile:
    """One that an event names; it may be gone by now."""
    return _shown(session_id, *(told[name] for name in ("id", "name", "size", "media_type")))


def _shown(
    session_id: UUID, file_id: str, name: str, size: int, media_type: str, **more: Any
) -> ShownFile:
    kind = "picture" if media_type in PICTURES else "other"
    if media_type.startswith("text/plain"):
        kind = "text"
    path = f"/ai-sessions/{session_id}/files/{file_id}"
    return ShownFile(file_id, path, name, in_bytes(size), kind, **more)
