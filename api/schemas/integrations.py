"""What connecting a chat takes and gives. Secrets go in, and never come out."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, SecretStr, StringConstraints
from pydantic_core import PydanticCustomError

from api.schemas.texts import Body
from api.schemas.webhooks import Address
from handoff.database.integrations import Integration, Place
from handoff.errors import Invalid

ACCOUNT = "account"
"""The key of the channel for teams that have none of their own."""

MOST = 200
"""Channels of an account."""

SlackChannel = Annotated[str, StringConstraints(pattern=r"^[CGD][A-Za-z0-9]{1,40}$")]


def _word(secret: SecretStr) -> SecretStr:
    """It becomes a header."""
    text = secret.get_secret_value()
    if not text.isascii() or not text.isprintable() or " " in text:
        raise PydanticCustomError("secret", "must be printable ASCII without spaces")
    return secret


def _key(key: str) -> str:
    if key == ACCOUNT:
        return key
    try:
        return str(UUID(key))
    except ValueError:
        raise PydanticCustomError("key", "must be `account` or a team's id") from None


Secret = Annotated[SecretStr, Field(min_length=8, max_length=300), AfterValidator(_word)]
Key = Annotated[str, AfterValidator(_key)]


class SlackBody(Body):
    """The whole connection. Without a secret, the one that is known stays."""

    bot_token: Secret | None = Field(default=None, description="Of the app's bot: `xoxb-…`")
    signing_secret: Secret | None = Field(
        default=None, description="By which the app's requests are known"
    )
    channels: dict[Key, SlackChannel] = Field(
        min_length=1,
        max_length=MOST,
        description="Ids of channels (`C…`): of teams by their id, and of all others as `account`",
    )


class TeamsBody(Body):
    """The whole connection."""

    channels: dict[Key, Address] = Field(
        min_length=1,
        max_length=MOST,
        description="Addresses of Workflows: of teams by their id, of all others as `account`. "
        "One as it is shown keeps what is stored",
    )


class IntegrationView(BaseModel):
    """The connection, without its secrets."""

    channels: dict[str, str]
    changed_at: datetime

    @classmethod
    def of(cls, integration: Integration) -> Self:
        """Of each address, what is no secret."""
        channels = {key_of(place): place.shown for place in integration.places}
        return cls(channels=channels, changed_at=integration.changed_at)


def key_of(place: Place) -> str:
    """As `channels` names it."""
    return ACCOUNT if place.team_id is None else str(place.team_id)


def team_of(key: str) -> UUID | None:
    """The team that a key of `channels` names; None for the account's own."""
    return None if key == ACCOUNT else UUID(key)


def no_such_team(key: str) -> Invalid:
    """It is none of the account's."""
    fault = {"path": f"body/channels/{key}", "message": "no such team here", "type": "team"}
    return Invalid("A channel is for a team that is not there.", errors=[fault])
