"""A person's own choices about being told: channels, a minimum priority, quiet hours."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from handoff.contract.words import EventType, Priority


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
    """What a person chose, by channel. What they said nothing about they want, always."""

    channels: Mapping[str, ChannelChoice] = field(default_factory=dict)
    quiet_hours: QuietHours | None = None
    follow_ups: bool = True

    def of(self, channel: str) -> ChannelChoice:
        """Their choice about one channel."""
        return self.channels.get(channel, _EVERYTHING)


_EVERYTHING = ChannelChoice()
_BESIDE = ("quiet_hours", "follow_ups")


def choices_from_json(stored: dict[str, Any] | None) -> Choices:
    """Reads what `PUT /me/notifications` stored; nothing stored means the default."""
    if not stored:
        return Choices()
    quiet = stored.get("quiet_hours")
    return Choices(
        channels={
            name: ChannelChoice(choice["enabled"], Priority(choice["minimum_priority"]))
            for name, choice in stored.items()
            if name not in _BESIDE
        },
        quiet_hours=None
        if quiet is None
        else QuietHours(
            start=time.fromisoformat(quiet["start"]),
            end=time.fromisoformat(quiet["end"]),
            time_zone=quiet["time_zone"],
        ),
        follow_ups=stored.get("follow_ups", True),
    )


def wants(choices: Choices, channel: str, priority: Priority, moment: datetime) -> bool:
    """Whether a message of this priority may reach the person now. Urgent passes quiet hours."""
    return why_not(choices, channel, priority, moment) is None


NOT_A_CHOICE = frozenset({EventType.EXHAUSTED, EventType.TRANSFERRED})
"""No choice keeps these away: nobody has answered, or somebody is asked by name."""

FOLLOW_UPS = frozenset(
    {
        EventType.CLAIMED,
        EventType.RELEASED,
        EventType.RESOLVED,
        EventType.CANCELLED,
        EventType.EXPIRED,
        EventType.NOTED,
    }
)
"""What became of it, and what is said: a choice of its own, but not about what one handed off."""


def wants_to_hear(
    choices: Choices,
    event: EventType,
    channel: str,
    priority: Priority,
    moment: datetime,
    *,
    own: bool,
) -> bool:
    """Whether a person's choices let a message about this event reach them now.

    `own`: they handed it off. A reminder that they asked for themselves always comes. Who is called
    by name is called by their own channels, at any hour.
    """
    if event is EventType.CALLED:
        return choices.of(channel).enabled
    if event in NOT_A_CHOICE or (own and event is EventType.REMINDED):
        return True
    if event in FOLLOW_UPS and not own and not choices.follow_ups:
        return False
    return wants(choices, channel, priority, moment)


def why_not(choices: Choices, channel: str, priority: Priority, moment: datetime) -> str | None:
    """Which choice of the person's own keeps this message from them; None when none does."""
    choice = choices.of(channel)
    if not choice.enabled:
        return "channel_off"
    if priority.urgency < choice.minimum_priority.urgency:
        return "below_minimum_priority"
    quiet = choices.quiet_hours
    passes = quiet is None or priority is Priority.URGENT or not quiet.cover(moment)
    return None if passes else "quiet_hours"
