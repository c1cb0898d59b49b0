"""A person's own choices about being told: channels, a minimum priority, quiet hours."""

from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from handoff.contract.words import Channel, Priority


@dataclass(frozen=True, slots=True)
class ChannelChoice:
    """Whether a channel is wanted at all, and from which priority on."""

    enabled: bool = True
    minimum_priority: Priority = Priority.LOW


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From and until, wall clock in the person's time zone; it may run over midnight."""

    start: time
    end: time
    time_zone: str

    def cover(self, moment: datetime) -> bool:
        """Whether the moment lies in them."""
        local = moment.astimezone(ZoneInfo(self.time_zone)).time()
        if self.start <= self.end:
            return self.start <= local < self.end
        return local >= self.start or local < self.end


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person chose. The default: everything, always."""

    email: ChannelChoice = ChannelChoice()
    push: ChannelChoice = ChannelChoice()
    quiet_hours: QuietHours | None = None
    follow_ups: bool = True


def choices_from_json(stored: dict[str, Any] | None) -> Choices:
    """Reads what `PUT /me/notifications` stored; nothing stored means the default."""
    if not stored:
        return Choices()
    quiet = stored.get("quiet_hours")
    return Choices(
        email=_channel(stored["email"]),
        push=_channel(stored["push"]),
        quiet_hours=None
        if quiet is None
        else QuietHours(
            start=time.fromisoformat(quiet["start"]),
            end=time.fromisoformat(quiet["end"]),
            time_zone=quiet["time_zone"],
        ),
        follow_ups=stored["follow_ups"],
    )


def _channel(stored: dict[str, Any]) -> ChannelChoice:
    return ChannelChoice(stored["enabled"], Priority(stored["minimum_priority"]))


def wants(choices: Choices, channel: Channel, priority: Priority, moment: datetime) -> bool:
    """Whether a message of this priority may reach the person now. Urgent passes quiet hours."""
    choice = choices.email if channel is Channel.EMAIL else choices.push
    if not choice.enabled or priority.urgency < choice.minimum_priority.urgency:
        return False
    quiet = choices.quiet_hours
    return quiet is None or priority is Priority.URGENT or not quiet.cover(moment)
