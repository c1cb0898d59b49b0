"""What HTTP takes and gives, beside the contract's own views. Unknown fields are refused."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    model_validator,
)

from api.schemas.texts import Body, Context, FileIds, Moment, Notes, Text
from api.schemas.webhooks import Address
from handoff.contract.words import Intent, Priority


class CallbackBody(Body):
    """Where a program wants to hear how it ended, and by which token it will know us."""

    url: Address
    token: Annotated[Text, Field(min_length=1, max_length=500, pattern=r"^[!-~]+$")] | None = None


class HandOff(Body):
    """Escalate the session, or park it."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"intent": {"const": Intent.ESCALATE.value}}},
            "then": {"properties": {"remind_at": {"type": "null"}}},
        }
    )

    intent: Intent
    engineer_notes: Notes | None = None
    priority: Priority = Priority.NORMAL
    context: Context | None = None
    files: FileIds = Field(default_factory=list)
    remind_at: Moment | None = Field(
        default=None, description="When a parked handoff reminds its parker, and nobody else"
    )

    callback: CallbackBody | None = Field(
        default=None,
        description="One signed POST once it is closed, to a host that the account has named",
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


class Recipient(BaseModel):
    """Who a message is for: a person, or a place of the account. Addresses only for admins."""

    id: UUID
    name: str
    kind: Literal["person", "endpoint"] = "person"
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
