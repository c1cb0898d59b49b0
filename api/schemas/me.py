"""How a user wants to be told, in JSON; the same form as it is stored and shown."""

import zoneinfo
from datetime import time
from functools import cache
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails

from api.schemas.texts import Body
from handoff.contract.words import Priority
from handoff.rules.attention import ChannelChoice, Choices, QuietHours
from handoff.rules.channels import chosen_by_people


@cache
def _zones() -> frozenset[str]:
    """The names that mean something here; anything else could name a file."""
    return frozenset(zoneinfo.available_timezones())


def _known_zone(name: str) -> str:
    if name not in _zones():
        raise ValueError("must be a time zone such as Europe/Berlin")
    return name


TimeZone = Annotated[str, Field(max_length=100), AfterValidator(_known_zone)]
"""A place's name in IANA's list."""

WallClock = Annotated[
    str,
    Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["22:00"]),
]


class ChannelChoiceBody(Body):
    """Whether a channel is wanted at all, and from which priority on."""

    enabled: bool = True
    minimum_priority: Priority = Priority.LOW


class QuietHoursBody(Body):
    """Wall clock in the person's own time zone; over midnight if need be. Urgent passes them."""

    start: WallClock
    end: WallClock
    time_zone: TimeZone

    @model_validator(mode="after")
    def _some_time(self) -> "QuietHoursBody":
        if self.start == self.end:
            raise ValueError("`start` and `end` must differ; switch the channel off instead")
        return self


class NotificationChoices(BaseModel):
    """All of a user's choices, by channel: what is left out takes its default."""

    model_config = ConfigDict(
        extra="allow", json_schema_extra=lambda schema: _with_channels(schema)
    )
    __pydantic_extra__: dict[str, ChannelChoiceBody]

    quiet_hours: QuietHoursBody | None = None
    follow_ups: bool = Field(
        default=True, description="Whether to be told what became of what one was told of"
    )

    @model_validator(mode="before")
    @classmethod
    def _by_known_channels(cls, value: Any) -> Any:
        """Every channel that people choose about is there; anything else is refused."""
        if not isinstance(value, dict):
            return value
        return {row.name: {} for row in chosen_by_people()} | value

    @model_validator(mode="after")
    def _nothing_unknown(self) -> Self:
        known = {row.name for row in chosen_by_people()}
        unknown = [name for name in self.__pydantic_extra__ if name not in known]
        if unknown:
            faults = [
                InitErrorDetails(type="extra_forbidden", loc=(name,), input=None)
                for name in unknown
            ]
            raise ValidationError.from_exception_data(type(self).__name__, faults)
        return self

    def to_json(self) -> dict[str, Any]:
        """The form in which they are stored."""
        return self.model_dump(mode="json")

    @classmethod
    def of(cls, choices: Choices) -> Self:
        """As people read them."""
        by_channel: dict[str, Any] = {
            row.name: _choice(choices.of(row.name)) for row in chosen_by_people()
        }
        return cls(
            **by_channel,
            quiet_hours=_quiet(choices.quiet_hours) if choices.quiet_hours else None,
            follow_ups=choices.follow_ups,
        )


def _with_channels(schema: dict[str, Any]) -> None:
    """The channels stand in OpenAPI by name, as if they were fields."""
    choice = schema.pop("additionalProperties")
    by_name = {row.name: {**choice, "default": {}} for row in chosen_by_people()}
    schema["properties"] = {**by_name, **schema["properties"]}
    schema["additionalProperties"] = False


def _choice(choice: ChannelChoice) -> ChannelChoiceBody:
    return ChannelChoiceBody(enabled=choice.enabled, minimum_priority=choice.minimum_priority)


def _quiet(quiet: QuietHours) -> QuietHoursBody:
    return QuietHoursBody(
        start=_clock(quiet.start), end=_clock(quiet.end), time_zone=quiet.time_zone
    )


def _clock(moment: time) -> str:
    return moment.isoformat("minutes")


class UnderWay(BaseModel):
    """The engine has the test notification, but it is not done yet."""

    state: str = "under way"
