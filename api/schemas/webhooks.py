"""What an endpoint of an account's webhooks may be."""

from dataclasses import asdict, dataclass
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from api.schemas.live import Number
from api.schemas.texts import Body, Text
from handoff.contract.words import EventType
from handoff.database.directory.webhooks import WantedWebhook, WebhookView
from handoff.program_addresses import LONGEST, program_address

Address = Annotated[
    Text,
    Field(min_length=1, max_length=LONGEST, examples=["https://example.com/hook"]),
    AfterValidator(program_address),
]


class WebhookBody(Body):
    """Where to post, and about what: short types of events; without any, all of them."""

    url: Address
    events: list[EventType] | None = Field(default=None, min_length=1, max_length=len(EventType))
    description: Annotated[Text, Field(max_length=200)] | None = None

    def wanted(self) -> WantedWebhook:
        """The database's form."""
        events = None if self.events is None else sorted({kind.value for kind in self.events})
        return WantedWebhook(self.url, events, self.description)


@dataclass(frozen=True, slots=True)
class MadeWebhook(WebhookView):
    """The endpoint with its secret, shown this once; a replayed answer has null in its place."""

    secret: str | None = None

    @classmethod
    def of(cls, view: WebhookView, secret: str | None) -> "MadeWebhook":
        """The two together."""
        return cls(**asdict(view), secret=secret)


class Replay(Body):
    """The event that comes next, if it is behind; none is skipped."""

    first: Number = Field(alias="from")


class ShownSecret(BaseModel):
    """A new secret, shown this once; a replayed answer has null in its place."""

    secret: str | None
