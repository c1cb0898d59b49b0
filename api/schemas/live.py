"""What the live part of the API takes and gives."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from api.schemas.texts import WHOLE, Body

Number = Annotated[int, Field(strict=True, ge=1, le=2**53 - 1), WHOLE]
"""An event's number: what every JSON reader holds exactly, and more than there will ever be."""


class Seen(Body):
    """The events whose pushes somebody has seen."""

    numbers: Annotated[list[Number], Field(min_length=1, max_length=200)]


class Present(BaseModel):
    """Somebody who is there."""

    id: UUID
    name: str
    since: datetime


class Viewer(Present):
    """Somebody who looks at a handoff."""

    writing: bool = False


class Viewing(Body):
    """What a page that shows a handoff says."""

    writing: bool = Field(default=False, strict=True, description="a note is being written on it")
