"""How a user wants to be told, in JSON; the same form as it is stored and shown."""

import zoneinfo
from datetime import time
from functools import cache
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, model_validator

from api.schemas.texts import Body
from handoff.contract.words import Priority
from handoff.rules.attention import ChannelChoice, Choices, QuietHours


@cache
def _zones() -> frozenset[str]:
    """The names that mean something here; anything else could name a file."""
    return frozenset(zoneinfo.available_timezones())


def _known_zone(name: str) -> str:
    if name not in _zones():
        raise ValueError("must be a time zone such as Europe/Berlin")
    return name


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
    time_zone: Annotated[str, Field(max_length=100), AfterValidator(_known_zone)]

    @model_validator(mode="after")
    def _some_time(self) -> "QuietHoursBody":
        if self.start == self.end:
            raise ValueError("`start` and `end` must differ; switch the channel off instead")
        return self


class NotificationChoices(Body):
    """All of a user's choices: what is left out takes its default."""

    email: ChannelChoiceBody = ChannelChoiceBody()
    push: ChannelChoiceBody = ChannelChoiceBody()
    quiet_hours: QuietHoursBody | None = None
    follow_ups: bool = Field(
        default=True, description="Whether to be told what became of what one was told of"
    )

    def to_json(self) -> dict[str, Any]:
        """The form in which they are stored."""
        return self.model_dump(mode="json")

    @classmethod
    def of(cls, choices: Choices) -> "NotificationChoices":
        """As people read them."""
        return cls(
            email=_channel(choices.email),
            push=_channel(choices.push),
            quiet_hours=_quiet(choices.quiet_hours) if choices.quiet_hours else None,
            follow_ups=choices.follow_ups,
        )


def _channel(choice: ChannelChoice) -> ChannelChoiceBody:
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
