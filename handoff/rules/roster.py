"""The people of an account as a policy sees them, and whom a level's targets name.

The same choice that the database makes at the start of a round, for looking ahead.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from handoff.contract.people import Endpoint
from handoff.contract.policy import Level
from handoff.contract.words import Role, TargetKind
from handoff.rules.attention import Choices
from handoff.rules.channels import Channel
from handoff.rules.roles import WORKING_ROLES

EVERYTHING = Choices()


@dataclass(frozen=True, slots=True)
class Member:
    """A user who is not deleted."""

    id: UUID
    name: str
    role: Role
    team_id: UUID | None
    is_active: bool = True
    choices: Choices = EVERYTHING

    @property
    def is_eligible(self) -> bool:
        """Whether they may be told of an escalation at all."""
        return self.is_active and self.role in WORKING_ROLES


@dataclass(frozen=True, slots=True)
class Roster:
    """Everybody of the account who is not deleted, by id, its teams and its endpoints."""

    members: Mapping[UUID, Member]
    teams: frozenset[UUID]
    endpoints: tuple[Endpoint, ...] = ()

    def named(self, level: Level, *, but: UUID | None = None) -> Iterator[Member]:
        """Those whom the level tells: eligible, named by a target, not the escalator."""
        names = _chooser(level)
        for member in self.members.values():
            if member.is_eligible and member.id != but and names(member):
                yield member

    def places(self, channels: Sequence[Channel], team_id: UUID | None) -> Iterator[Endpoint]:
        """The endpoints that these channels reach: the team's, else those of no team."""
        names = {channel.name for channel in channels}
        return nearest((place for place in self.endpoints if place.channel in names), team_id)


def nearest(places: Iterable[Endpoint], team_id: UUID | None) -> Iterator[Endpoint]:
    """By each channel the team's own places, else those of no team."""
    by_channel: defaultdict[str, list[Endpoint]] = defaultdict(list)
    for place in places:
        by_channel[place.channel].append(place)
    for reached in by_channel.values():
        own = [place for place in reached if place.team_id == team_id]
        yield from own or (place for place in reached if place.team_id is None)


def _chooser(level: Level) -> Callable[[Member], bool]:
    by_kind = {
        kind: {target.value for target in level.targets if target.kind is kind}
        for kind in TargetKind
    }
    roles = by_kind[TargetKind.ROLE]
    teams = {as_id(value) for value in by_kind[TargetKind.TEAM]} - {None}
    users = {as_id(value) for value in by_kind[TargetKind.USER]}
    everybody = bool(by_kind[TargetKind.ACCOUNT])
    return lambda member: (
        everybody or member.role in roles or member.team_id in teams or member.id in users
    )


def as_id(value: str | None) -> UUID | None:
    """The id that a target's value is; None when it is none."""
    try:
        return None if value is None else UUID(value)
    except ValueError:
        return None
