"""A file of a session, as HTTP tells of it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from handoff.contract.people import Person


@dataclass(frozen=True, slots=True)
class FileView:
    """What it is called, and what it is by its bytes. `size` in bytes."""

    id: UUID
    name: str
    size: int
    media_type: str
    created_at: datetime
    by: Person
