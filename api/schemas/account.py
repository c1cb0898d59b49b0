"""What an account may say about itself."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from api.schemas.directory import Name
from api.schemas.texts import Body, Text
from handoff.contract.words import Content
from handoff.program_addresses import program_host
from handoff.rules.channels import leaving

MOST_HOSTS = 50


def _leaving(name: str) -> str:
    names = [row.name for row in leaving()]
    if name not in names:
        raise PydanticCustomError("enum", f"must be one of {', '.join(names)}")
    return name


def _by_channel() -> dict[str, Any]:
    how = {"type": "string", "enum": [content.value for content in Content]}
    return {
        "type": "object",
        "properties": {row.name: how for row in leaving()},
        "additionalProperties": False,
        "description": "How much of a handoff leaves by a channel: `full`; `title` without notes, "
        "context and what was said; `link` only that something waits",
    }


ChannelContent = Annotated[
    dict[Annotated[str, AfterValidator(_leaving)], Content], WithJsonSchema(_by_channel())
]

Host = Annotated[Text, Field(min_length=1, max_length=300), AfterValidator(program_host)]


class AccountBody(Body):
    """What is to be different; what is left out stays as it is."""

    name: Name | None = None
    content: ChannelContent | None = None
    callback_hosts: list[Host] | None = Field(
        default=None,
        max_length=MOST_HOSTS,
        description="Where callbacks may go: `example.com`, or one port of it, `example.com:8443`",
    )
