"""An account's policy as data: its levels, whom each names and how. Decisions live in `rules`."""

from dataclasses import dataclass

from handoff.contract.words import Priority, TargetKind


@dataclass(frozen=True, slots=True)
class Target:
    """Some people of the account: all of them, a role, a team, or one user by id."""

    kind: TargetKind
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Level:
    """One step of a policy: whom to tell, how, how long to wait (seconds), how often in all.

    `channels` by name, in the order in which the policy names them.
    """

    targets: tuple[Target, ...]
    channels: tuple[str, ...]
    waits: dict[Priority, float]
    repeat: int


@dataclass(frozen=True, slots=True)
class Policy:
    """An account's levels. Durations in seconds; `claim_lease` None means no lease."""

    levels: tuple[Level, ...]
    accept_window: float = 600.0
    claim_lease: float | None = None
    email_delay: float = 0.0

    @property
    def rounds_total(self) -> int:
        """How many rounds there are in all."""
        return sum(level.repeat for level in self.levels)
