"""AI sessions in JSON."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from api.schemas.texts import Body, Context, Title
from handoff.contract.people import Person
from handoff.contract.words import SessionStatus


class NewSession(Body):
    """An AI session to be followed; the caller holds it."""

    title: Title
    context: Context | None = None
    team_id: UUID | None = None
    follows_id: UUID | None = Field(
        default=None, description="the session that this one carries on, whoever holds it"
    )


class Given(Body):
    """Whom a session is given to."""

    to: UUID


class SessionView(BaseModel):
    """An AI session."""

    id: UUID
    account_id: UUID
    team_id: UUID | None
    follows_id: UUID | None
    title: str
    context: dict[str, Any] | None
    holder: Person
    status: SessionStatus
    created_at: datetime
